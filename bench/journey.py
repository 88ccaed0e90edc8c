"""A new producer in a real browser: from the home page to a product that can be found, and what that took.

`python -m bench.journey` measures this alone, on a stack of its own.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

from bench.gateway import Gateway
from bench.stack import REPOSITORY, Stack

TITLE = "Harbour wind table"
FINDABLE_MS = 20_000


@dataclass
class Journey:
    """What a person did: `typed` counts characters, the link among them (which is pasted); `preview` and `whole` are
    seconds, from the click to the filled form, and from the home page to the product among the results."""

    clicks: int = 0
    fields: int = 0
    typed: int = 0
    preview: float = 0.0
    whole: float = 0.0

    def click(self, place: Locator) -> None:
        """A click, counted."""
        self.clicks += 1
        place.click()

    def fill(self, field: Locator, text: str) -> None:
        """A field that is typed into, counted."""
        self.fields += 1
        self.typed += len(text)
        field.fill(text)


def publish(page: Page, url: str, gateway: str, *, person: str = "consumer") -> Journey:
    """Signs in and publishes the product of a gateway, whose title is TITLE, and finds it. Raises AssertionError."""
    took = Journey()
    page.goto(url)
    begun = time.perf_counter()
    took.click(page.get_by_role("link", name="Publish", exact=True).first)
    took.fill(page.get_by_label(re.compile("Username|E-?mail|Login", re.I)).first, person)
    took.fill(page.get_by_label("Password", exact=True), "demo")
    took.click(page.get_by_role("main").get_by_role("button", name=re.compile("Sign in", re.I)))
    took.fill(page.get_by_label("Link to your product"), gateway)
    asked = time.perf_counter()
    took.click(page.get_by_role("button", name="Read it"))
    expect(page.get_by_label("Title")).to_have_value(TITLE, timeout=15_000)
    took.preview = time.perf_counter() - asked
    took.click(page.get_by_role("button", name="Publish", exact=True))
    expect(page.get_by_role("heading", level=1)).to_contain_text("is published", timeout=15_000)
    until = time.perf_counter() + FINDABLE_MS / 1000
    took.click(page.get_by_role("link", name="Find it in search"))
    while TITLE not in page.get_by_role("main").inner_text():
        assert time.perf_counter() < until, "the product was not findable in time"
        page.reload()
    took.whole = time.perf_counter() - begun
    return took


def own_product(folder: Path) -> Path:
    """A product that the marketplace does not know: one of the demo under a name of its own."""
    target = folder / "harbour-winds"
    shutil.copytree(REPOSITORY / "demo" / "climate-quantum" / "wind" / "wind-scales", target)
    document = target / "product.odps.yaml"
    text = re.sub(r"(?m)^(id|name): .*$", r"\1: harbour-winds", document.read_text())
    document.write_text(text.replace("value: Wind force scales}", f"value: {TITLE}}}"))
    return target


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page of headless Chromium: Debian's where there is one."""
    path = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page()
        browser.close()


def measure(stack: Stack) -> Iterator[tuple[str, float]]:
    """The journey's figures on a running stack."""
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(own_product(Path(folder)), "/discover")
        try:
            with browser_page() as page:
                took = publish(page, stack.url, f"http://127.0.0.1:{gateway.port}")
        finally:
            gateway.stop()
    yield "a new producer publishes by link, s, signing in included", took.whole
    yield "of that from the pasted link to the filled form, s", took.preview
    yield "clicks", took.clicks
    yield "fields", took.fields
    yield "typed characters, the link included", took.typed


if __name__ == "__main__":
    with Stack() as own:
        for figure, value in measure(own):
            print(f"{figure:<60} {value:.2f}", flush=True)
