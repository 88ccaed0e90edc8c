"""People who search, click and download at the running demo, so that dashboards have something real to show.

Each is a browser of its own that asks over HTTP as a browser does: a page that was reached from a list of hits names
that list. What it follows are links of the pages themselves.
"""

import contextlib
import http.client
import ipaddress
import json
import random
import re
from collections import Counter
from html import unescape
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from marketplace.accounts.origin import IPAddress

QUESTIONS = (
    "how much rain falls in Paris",
    "daily temperature",
    "air quality in New York",
    "flood risk for buildings",
    "wildfire perimeters",
    "hurricane landfalls in the United States",
    "sea level rise",
    "co2 in the atmosphere",
    "wind speed classes",
    "physical climate risk scores",
    "which climate risks must a company disclose",
    "rainfall in France",
    # What the demo has no good answer to.
    "hail damage claims by postcode",
    "soil moisture of vineyards",
    "wind turbine maintenance logs",
    "wildfire smoke and hospital visits",
    "flood insurance premiums",
    "wolf population in Spain",
)
HIT = re.compile(r'class="tile__title"><a href="(/products/[^"?#]+)"')
ARTIFACT = re.compile(r'href="(/products/[^"?#]+/artifacts/[^"?#]+/)"')
MOST_BYTES = 1 << 20
TIMEOUT = 10  # seconds


class NotLoopbackError(ValueError):
    """The address is not on this machine."""


class Visitor:
    """One browser. Raises OSError and HTTPException where nobody answers."""

    def __init__(self, base: str, name: str, counts: Counter[str]) -> None:
        self.base, self.counts = base, counts
        self.headers = {"User-Agent": f"Mozilla/5.0 (demo traffic; {name})"}

    def get(self, url: str, *, before: str = "", what: str = "", **headers: str) -> str:
        """The text behind an address of this machine, empty for what is not 200; counts it as `what`."""
        address = urljoin(self.base, url)
        parts = urlsplit(address)
        if parts.scheme != "http" or not is_loopback(parts.hostname):
            raise NotLoopbackError(f"{address} is not on this machine.")
        sent = {**self.headers, **headers, **({"Referer": urljoin(self.base, before)} if before else {})}
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
        try:
            connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=sent)
            answer = connection.getresponse()
            text = answer.read(MOST_BYTES).decode(errors="replace")
        finally:
            connection.close()
        if answer.status != http.client.OK:
            return ""
        if what:
            self.counts[what] += 1
        return text

    def search(self, question: str, dice: random.Random) -> None:
        """Asks, and opens a hit or two: the first ones more often."""
        path = f"/search/?{urlencode({'q': question})}"
        hits = list(dict.fromkeys(unescape(href) for href in HIT.findall(self.get(path, what="searches"))))
        for rank, hit in enumerate(hits, start=1):
            if dice.random() < 0.6 / rank:
                self.open(hit, path, dice)

    def open(self, product: str, before: str, dice: random.Random) -> None:
        """Looks at a product, at times at an artifact of it too, and takes data away where it is open."""
        self.get(product, before=before, what="product pages")
        if dice.random() < 0.5:
            part = self.get(f"{product}live/artifacts/", before=product, **{"HX-Request": "true"})
            if found := [unescape(href) for href in ARTIFACT.findall(part)]:
                self.get(dice.choice(found), before=product, what="artifact pages")
        if dice.random() < 0.4:
            self.download(product)

    def download(self, product: str) -> None:
        """The first artifact, from the product's own gateway; nothing where it asks for a grant."""
        resolved = self.get(f"/api/v1/resolve/{product.removeprefix('/products/').strip('/')}")
        discovery = next((link["url"] for link in _entries(resolved, "links") if link.get("rel") == "discovery"), "")
        if discovery.endswith("/discover"):
            with contextlib.suppress(OSError, http.client.HTTPException):  # one of the demo's gateways is down
                self._take(discovery)

    def _take(self, discovery: str) -> None:
        for artifact in _entries(self.get(f"{discovery}/artifacts"), "artifacts")[:1]:
            links = artifact.get("links", ())
            if found := next((link["href"] for link in links if link.get("rel") == "download"), ""):
                self.get(urljoin(discovery, found), what="downloads")


def _entries(text: str, name: str) -> list[dict[str, Any]]:
    """A list out of a JSON object; empty where there is none."""
    try:
        found = json.loads(text)[name]
    except (ValueError, KeyError, TypeError):
        return []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def browse(base: str, people: int, seed: int) -> Counter[str]:
    """Lets so many people at the marketplace at `base`, one after the other; returns what they did.

    Raises NotLoopbackError for an address that is not on this machine, OSError and HTTPException where nobody answers.
    """
    counts: Counter[str] = Counter()
    dice = random.Random(seed)  # noqa: S311 # the same people each time
    for number in range(people):
        visitor = Visitor(base, f"seed {seed}, person {number + 1}", counts)
        for question in dice.sample(QUESTIONS, dice.randint(1, 3)):
            visitor.search(question, dice)
    return counts


def is_loopback(host: str | None) -> bool:
    """Whether a host is an address of this machine, or is called localhost. No name is looked up."""
    if host == "localhost":
        return True
    try:
        address: IPAddress = ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return address.is_loopback
