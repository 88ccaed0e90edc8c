"""`mesh publish -f` of a thousand products, as a pipeline does it: the first time, again, and with a tenth changed.

`python -m bench.publishing` measures this alone, on a stack of its own.
"""

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx2

from bench.measure import csrf, sign_in
from bench.stack import REPOSITORY, Stack

PRODUCTS = 1_000


def measure(stack: Stack) -> Iterator[tuple[str, float]]:
    """Seconds of each run of the command, its start included, and until all can be found by their words."""
    environment = {**os.environ, "MESH_URL": stack.url, "MESH_TOKEN": token(stack)}
    file = stack.folder / "products.jsonl"
    for name, words, expected in (
        ("new", "", {"created": PRODUCTS}),
        ("again", "", {"unchanged": PRODUCTS}),
        ("a tenth changed", " Mended.", {"unchanged": PRODUCTS * 9 // 10, "updated": PRODUCTS // 10}),
    ):
        rows = [_product(number, words if number % 10 == 0 else "") for number in range(PRODUCTS)]
        file.write_text("\n".join(json.dumps(row) for row in rows))
        begun = time.perf_counter()
        told = subprocess.run(
            [sys.executable, "-m", "client", "publish", "-f", str(file), "--json"],
            cwd=REPOSITORY, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        seconds = time.perf_counter() - begun
        said = json.loads(told.stdout)
        if any(said[result] != count for result, count in expected.items()):
            raise RuntimeError(f"expected {expected}, and mesh said {told.stdout[:300]}")
        yield f"mesh publish -f, {PRODUCTS:,} products, {name}, s", seconds
        if name == "new":
            yield "then until the last of them is found, s", _until_found(stack, begun + seconds)


def _product(number: int, more: str) -> dict[str, object]:
    summary = f"Water levels of the harbour gauge {number}, every ten minutes since 1990, in metres. " * 4
    return {
        "domain": "climate",
        "name": f"harbour-gauge-{number}",
        "title": f"Harbour gauge {number}",
        "summary": summary.strip() + more,
        "tags": ["tide", "harbour", "hourly"],
        "links": [{"rel": "discovery", "url": f"https://gauges.example.org/{number}/discover"}],
    }


def _until_found(stack: Stack, since: float) -> float:
    title = _product(PRODUCTS - 1, "")["title"]
    with httpx2.Client(base_url=stack.url) as client:
        while f'"{title}"' not in client.get("/api/v1/search/", params={"q": f'"{title}"'}).text:
            if time.perf_counter() - since > 120:
                raise RuntimeError(f"{title} was not findable within two minutes")
            time.sleep(0.05)
    return time.perf_counter() - since


def token(stack: Stack) -> str:
    """An API token of the demo's producer. Raises RuntimeError where the page shows none."""
    with httpx2.Client(base_url=stack.url, follow_redirects=True) as client:
        sign_in(client)
        name = f"bench {secrets.token_hex(4)}"  # each measurement makes its own
        form = {"name": name, "days": "30", "csrfmiddlewaretoken": csrf(client, "/accounts/tokens/")}
        page = client.post("/accounts/tokens/", data=form, headers={"Referer": stack.url}).raise_for_status().text
    found = re.search(r"dmm_[A-Za-z0-9]{20,}", page)
    if found is None:
        raise RuntimeError("the page showed no token")
    return found[0]


if __name__ == "__main__":
    with Stack() as own:
        for figure, value in measure(own):
            print(f"{figure:<56} {value:.2f}", flush=True)
