"""Which requests are a person who looks, and who it was as far as counting needs it."""

import re
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from marketplace.accounts.origin import client_address
from marketplace.measure import buffer
from marketplace.measure.text import normal

# Crawlers and what fetches pages for no one to read. Who names nothing is taken for a program too.
PROGRAMS = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|preview|monitor|uptime|scan|headless|lighthouse|facebookexternalhit|archiv|feed"
    r"|^(curl|wget|python|java|go-http|okhttp|libwww|httpx|aiohttp|axios|node|ruby|perl|php)",
    re.IGNORECASE,
)
AGENT = 300  # characters
REFERER = 4000


def by_a_person(request: HttpRequest) -> bool:
    """Whether a page was asked for to be read: not by a crawler, not ahead of time, not as a part of another page."""
    headers = request.headers
    ahead = f"{headers.get('Sec-Purpose', '')} {headers.get('Purpose', '')} {headers.get('X-Moz', '')}".lower()
    return (
        settings.MEASURE
        and request.method == "GET"
        and "prefetch" not in ahead
        and "preview" not in ahead
        and headers.get("Sec-Fetch-Dest", "document") == "document"
        and "HX-Request" not in headers
        and not is_program(headers.get("User-Agent", ""))
    )


def is_program(agent: str) -> bool:
    """Whether a User-Agent is a crawler's or another program's."""
    return not agent.strip() or bool(PROGRAMS.search(agent[:AGENT]))


def who(request: HttpRequest) -> str:
    """Who asks, to be hashed: the person signed in, else address and browser together."""
    person = getattr(request, "user", None)
    if person is not None and person.is_authenticated:
        return buffer.user(person.pk)
    return f"visitor:{client_address(request)}|{request.headers.get('User-Agent', '')[:AGENT]}"


def question_before(request: HttpRequest) -> str:
    """The normal question of the list of hits that a page was reached from; empty where it was reached otherwise."""
    referer = request.headers.get("Referer", "")
    if not referer or len(referer) > REFERER:
        return ""
    try:
        parts = urlsplit(referer)
        asked = parse_qs(parts.query, max_num_fields=100).get("q", [""])[0]
    except ValueError:
        return ""
    same = parts.netloc == request.get_host() and parts.path == reverse("catalogue:search")
    return normal(asked) if same else ""
