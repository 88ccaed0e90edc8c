"""The whole window onto one product, as people and programs see it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.test import Client

from registry.models import Product
from tests.conftest import REPOSITORY

MAX_PAGES = 80
_LINK = re.compile(r'href="([^"#]+)')
_FRAGMENT = re.compile(r'hx-get="([^"]+)')
_FORM = re.compile(r"<form[^>]*>")
_STILL_ASKING = 'hx-trigger="load delay'

Wait = Callable[..., Any]


@dataclass
class Window:
    """What was answered, by address. `api` is the live view as JSON."""

    pages: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    api: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Everything people see, without markup."""
        return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", page) for page in self.pages.values()))

    @property
    def parts(self) -> Iterator[dict[str, Any]]:
        for name in ("index", "metadata", "artifacts", "contract_list", "health", "metrics"):
            yield self.api[name]
        yield from self.api["contracts"]


def look_at(product: Product, client: Client, wait_for: Wait) -> Window:
    """The product's page and, from there, every page below its address, fragments once they have settled; the API.

    Fails where one does not answer 200, and where one tells what is nobody's business.
    """
    window = Window()
    home = product.get_absolute_url()
    waiting = [(home, False)]
    while waiting and len(window.pages) < MAX_PAGES:
        address, is_fragment = waiting.pop(0)
        known = f"{address.partition('?')[0]} in part" if is_fragment and "live-schema" not in address else address
        if known in window.pages:
            continue
        answer = wait_for(lambda address=address, part=is_fragment: _settled(client, address, part), 30)
        assert answer.status_code == 200, (address, answer.status_code)
        body = b"".join(answer) if answer.streaming else answer.content
        window.sizes[known] = len(body)
        said = body.decode("utf-8", "replace")
        if "/original/" not in address:  # there the words are the product's own, whole
            _keeps_to_itself(said)
        if not answer.headers["Content-Type"].startswith("text/html"):
            assert answer.headers["X-Content-Type-Options"] == "nosniff", address
            window.pages[known] = ""
            continue
        window.pages[known] = said
        said = _FORM.sub("", said)  # the address of a form needs what is typed
        found = [(url, False) for url in _LINK.findall(said)] + [(url, True) for url in _FRAGMENT.findall(said)]
        for written, part in found:
            path = html.unescape(written)
            if path.startswith(home) and "again" not in path:
                waiting.append((path, part))
    answer = client.get(f"/api/v1/products/{product.uuid}/live/")
    assert answer.status_code == 200
    _keeps_to_itself(answer.content.decode())
    window.api = answer.json()
    return window


def _settled(client: Client, address: str, is_fragment: bool) -> Any:
    """The answer, once nothing more is asked for it; None before."""
    answer = client.get(address, headers={"HX-Request": "true"} if is_fragment else {}, follow=True)
    if answer.status_code == 503 and "Retry-After" in answer.headers:
        return None
    if is_fragment and _STILL_ASKING in answer.content.decode("utf-8", "replace"):
        return None
    return answer


def _keeps_to_itself(said: str) -> None:
    """No word of where and how the marketplace runs, of files of its machine, or of what the canary would have said."""
    secrets = (settings.SECRET_KEY, settings.DATABASE_URL, settings.REDIS_URL, str(REPOSITORY), "site-packages",
               "Traceback (most", "root:x:0", "canary's secret", "psycopg", "httpcore")  # fmt: skip
    assert [word for word in secrets if word in said] == []
