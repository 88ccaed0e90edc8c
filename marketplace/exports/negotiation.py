"""Which representation a client prefers: RFC 9110, section 12.5.1."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 50  # entries of a header that are read


def preferred(accept: str, offered: Sequence[str]) -> str:
    """The offered media type of the highest quality; of equals the one offered first, which is also the answer where
    the client says nothing or takes none of them: a page it did not ask for helps more than a refusal."""
    ranges = [found for entry in accept.split(",")[:MOST] if (found := _range(entry))]
    qualities = {media_type: _quality(media_type, ranges) for media_type in offered}
    return max(offered, key=lambda media_type: qualities[media_type])


def _range(entry: str) -> tuple[str, float] | None:
    """ "text/turtle;q=0.5" → ("text/turtle", 0.5); None for what is no media range. Other parameters are not used."""
    media_type, *parameters = (part.strip().lower() for part in entry.split(";"))
    if "/" not in media_type:
        return None
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return None
            if not 0 <= quality <= 1:
                return None
            break
    return media_type, quality


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The quality by the most specific range that fits; 0 where none does."""
    for wanted in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        found = [quality for given, quality in ranges if given == wanted]
        if found:
            return max(found)
    return 0.0
