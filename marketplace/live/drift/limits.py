"""Whether a limit on values became narrower: types with a length, and `logicalTypeOptions` of ODCS 3.2."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from .versions import Level

# The larger the value, the narrower it is, or the wider.
_NARROWER_UP = {"minlength", "minimum", "exclusiveminimum", "minitems", "minproperties"}
_WIDER_UP = {"maxlength", "maximum", "exclusivemaximum", "maxitems", "maxproperties", "precision", "scale"}
_FLAGS = {"uniqueitems"}
_ABOUT_DATA = {"pii", "lineage", "config", "description"}  # Data Contract Specification has them beside the limits

_SIZED = re.compile(r"\s*([^()]{1,60}?)\s*\(\s*(\d{1,9})\s*(?:,\s*(\d{1,9})\s*)?\)\s*")


def type_level(old: str | None, new: str | None) -> Level:
    """Major for another type and for one with less room; minor for the same with more room, or said the first time."""
    if not old:
        return "minor"
    if not new:
        return "major"
    if old.casefold().split() == new.casefold().split():
        return "patch"
    was, now = _SIZED.fullmatch(old), _SIZED.fullmatch(new)
    if was is None or now is None or was[1].casefold() != now[1].casefold():
        return "major"
    before, after = _room(was), _room(now)
    return "minor" if all(one <= other for one, other in zip(before, after, strict=True)) else "major"


def _room(found: re.Match[str]) -> tuple[int, int]:
    """Digits before and after the point of DECIMAL(10,2); a mere length counts as before it."""
    size, scale = int(found[2]), int(found[3] or 0)
    return size - scale, scale


def option_level(option: str, old: str | None, new: str | None) -> tuple[str, Level]:
    """The kind and level of one option's change; None where it was, or is, not said."""
    name = option.casefold()
    if name in _ABOUT_DATA:
        return "metadata", "patch"
    if name in _FLAGS:
        return "limit", "major" if (new or "").casefold() == "true" else "minor"
    if old is None or new is None:
        return "limit", "major" if old is None else "minor"
    if name in _NARROWER_UP or name in _WIDER_UP:
        was, now = _number(old), _number(new)
        if was is not None and now is not None:
            wider = now <= was if name in _NARROWER_UP else now >= was
            return "limit", "minor" if wider else "major"
    return "limit", "major"  # a pattern, a time zone: nobody can tell which is narrower


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text[:60])
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
