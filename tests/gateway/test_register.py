"""`gateway register` puts a product into a real marketplace, says what it did, and does nothing twice."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from gateway.__main__ import cli
from marketplace.accounts import tokens
from registry.models import Event, Lifecycle, Product
from registry.services import create_domain
from tests.conftest import make_user

pytestmark = pytest.mark.django_db(transaction=True)
GATEWAY = "https://rain.example.org/gateway"


def document(**changes: Any) -> dict[str, Any]:
    """An ODPS document that says all that a registration needs."""
    return {
        "apiVersion": "v1.1.0", "kind": "DataProduct", "id": "rain-1", "name": "Daily rain", "version": "1.0.0",
        "status": "active", "domain": "precipitation", "type": "sourceAligned", "tags": ["rain", "Daily values"],
        "description": {"purpose": "Rain of each day."}, "outputPorts": [{"name": "rows"}],
        "customProperties": [{"property": "accessRights", "value": "open"}],
        **changes,
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A product folder."""
    (tmp_path / "product.odps.yaml").write_text(yaml.safe_dump(document()), "utf-8")
    return tmp_path


@pytest.fixture
def token(db: None) -> str:
    """Of a person who owns nothing yet."""
    create_domain("precipitation", "Precipitation")
    return tokens.create_token(make_user("rainmaker"), "gateway", 30)[1]


def register(folder: Path, url: str, token: str, *options: str):
    return CliRunner().invoke(
        cli, ["register", str(folder), "--marketplace", url, "--url", GATEWAY, "--token", token, *options]
    )


def test_a_product_is_registered_published_and_left_alone_the_second_time(folder, live_server, token):
    told = register(folder, live_server.url, token)
    assert told.exit_code == 0, told.output
    product = Product.objects.get()
    assert (product.urn, product.lifecycle) == ("urn:dp:precipitation:daily-rain", Lifecycle.PUBLISHED)
    assert (product.title, product.summary, product.access_mode) == ("Daily rain", "Rain of each day.", "open")
    assert (product.type, {tag.slug for tag in product.tags.all()}) == ("source-aligned", {"rain", "daily-values"})
    assert [(link.rel, link.url) for link in product.links.all()] == [("discovery", f"{GATEWAY}/discover")]
    events = Event.objects.count()
    again = register(folder, live_server.url, token)
    assert (again.exit_code, "is up to date" in again.output) == (0, True)
    assert (Product.objects.count(), Event.objects.count()) == (1, events)


def test_a_change_is_an_update_that_keeps_other_links(folder, live_server, token):
    register(folder, live_server.url, token, "--draft")
    product = Product.objects.get()
    assert product.lifecycle == Lifecycle.DRAFT
    product.links.create(rel="documentation", url="https://rain.example.org/docs")
    changed = document(tags=["rain"], description={"purpose": "Rain of each day, everywhere."})
    (folder / "product.odps.yaml").write_text(yaml.safe_dump(changed), "utf-8")
    moved = CliRunner().invoke(
        cli,
        [
            "register",
            str(folder),
            "--marketplace",
            live_server.url,
            "--token",
            token,
            "--url",
            "https://new.example.org",
        ],
    )
    assert moved.exit_code == 0, moved.output
    assert "updated urn:dp:precipitation:daily-rain: summary, tags, links" in moved.output
    product.refresh_from_db()
    assert (product.summary, product.lifecycle) == ("Rain of each day, everywhere.", Lifecycle.PUBLISHED)
    assert {link.url for link in product.links.all()} == {
        "https://new.example.org/discover", "https://rain.example.org/docs",
    }  # fmt: skip


def test_refusals_are_told_in_words(folder, live_server, token):
    wrong = register(folder, live_server.url, "dmm_wrong")
    assert (wrong.exit_code, "/accounts/tokens/" in wrong.output) == (1, True)
    nowhere = register(folder, live_server.url, token, "--domain", "no-such-domain")
    assert nowhere.exit_code == 1
    assert "domain" in nowhere.output
    other = register(folder, "http://127.0.0.1:1", token)
    assert (other.exit_code, "does not answer" in other.output) == (1, True)
    for told in (wrong, nowhere, other):
        assert "Traceback" not in told.output
        assert token not in told.output
    assert Product.objects.count() == 0


def test_somebody_else_cannot_take_the_address_over(folder, live_server, token):
    register(folder, live_server.url, token)
    stranger = tokens.create_token(make_user("stranger"), "x", 30)[1]
    (folder / "product.odps.yaml").write_text(yaml.safe_dump(document(description={"purpose": "Mine now."})), "utf-8")
    told = register(folder, live_server.url, stranger)
    assert told.exit_code == 1, told.output
    assert "(403)" in told.output
    assert Product.objects.get().summary == "Rain of each day."


def test_what_a_registration_needs_is_asked_for(tmp_path):
    odps = {"apiVersion": "v1.1.0", "kind": "DataProduct", "id": "x", "name": "雨", "outputPorts": []}
    (tmp_path / "product.odps.yaml").write_text(yaml.safe_dump(odps), "utf-8")
    told = register(tmp_path, "http://127.0.0.1:1", "x")
    assert told.exit_code == 1
    for text in ("name: needs letters", "domain: say it there", "description.purpose"):
        assert text in told.output
