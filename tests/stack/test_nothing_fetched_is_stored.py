"""Summaries and links only: after the whole demo was looked at, no word of a gateway is anywhere in PostgreSQL."""

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import psycopg
import pytest
import yaml
from psycopg import sql

from bench.stack import Stack
from tests.gateways import DEMO

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


def plain(text: str) -> str:
    """Letters and digits alone, so that no way of quoting hides a text."""
    return re.sub(r"[\W_]+", "", text).lower()


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def said_by_gateways_only() -> set[str]:
    """Sentences of the demo's documents that are no part of what was registered."""
    registered = plain((DEMO.parent / "mesh.yaml").read_text())
    # Ids of contracts are registered, since lineage is made of them; a title may be spelled like one.
    ids = {plain(str(yaml.safe_load(path.read_text())["id"])) for path in DEMO.rglob("*.odcs.yaml")}
    found: set[str] = set()
    for path in [*DEMO.rglob("*.odps.yaml"), *DEMO.rglob("*.odcs.yaml")]:
        for text in texts(yaml.safe_load(path.read_text())):
            found |= {plain(sentence) for sentence in re.split(r"[.\n]", text) if len(plain(sentence)) >= 25}
    return {text for text in found - ids if text not in registered and not text.startswith("http")}


def look_at_everything(url: str) -> str:
    """Opens every product page and asks for its live parts until they are there; gives all that was shown."""
    shown: list[str] = []
    with httpx2.Client(base_url=url, timeout=30) as client:
        products = client.get("/api/v1/products/", params={"page_size": 100}).json()["results"]
        assert len(products) >= 12
        for row in products:
            page = client.get("/products/{}/{}/".format(*row["urn"].split(":")[2:])).text
            shown.append(page)
            for fragment in set(re.findall(r'hx-get="([^"]+)"', page)):
                until = time.monotonic() + 15
                while True:
                    part = client.get(fragment.replace("&amp;", "&"), headers={"HX-Request": "true"}).text
                    if 'hx-trigger="load delay' not in part or time.monotonic() > until:
                        break
                    time.sleep(0.1)  # as the page does
                shown.append(part)
    return plain(" ".join(shown))


def everything_stored(url: str) -> dict[str, str]:
    """All rows of all tables as text, by table."""
    stored: dict[str, str] = {}
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            statement = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table))
            stored[table] = plain(" ".join(row[0] for row in connection.execute(statement).fetchall()))
    return stored


def test_after_browsing_the_demo_no_fetched_text_is_in_postgresql(stack: Stack):
    sentences = said_by_gateways_only()
    shown = look_at_everything(stack.url)
    assert sum(sentence in shown for sentence in sentences) > 100, "the pages did show what gateways say"
    stored = everything_stored(stack.state()["DATABASE_URL"])
    assert "globalprecipitation" in stored["registry_product"]
    leaked = {(table, sentence) for table, text in stored.items() for sentence in sentences if sentence in text}
    assert leaked == set()
