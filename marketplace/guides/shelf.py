"""Which guides there are, in the order in which a newcomer reads them."""

from functools import lru_cache

from django.conf import settings
from django.urls import reverse

from marketplace.guides.rendering import Rendered, render

FOLDER = settings.BASE_DIR / "docs" / "guides"
ORDER = ("find-data", "publish", "run-a-gateway", "write-a-contract", "get-certified", "automate")
EXAMPLE = "http://127.0.0.1:8000"  # the marketplace as the guides are written; the reader sees this one's own address


def guide(slug: str) -> Rendered | None:
    """The guide of this name. Reads one small file the first time."""
    return _read(slug, settings.PUBLIC_URL) if slug in ORDER else None


def all_guides() -> list[tuple[str, Rendered]]:
    """Every guide with its name, in order."""
    return [(slug, _read(slug, settings.PUBLIC_URL)) for slug in ORDER]


@lru_cache(maxsize=2 * len(ORDER))
def _read(slug: str, base: str) -> Rendered:
    text = (FOLDER / f"{slug}.md").read_text(encoding="utf-8")
    return render(text, base, EXAMPLE, reverse("guides:index"))
