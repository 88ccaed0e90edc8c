"""Places as metadata write them (WKT, GML, GeoJSON, four numbers) → bounding boxes: west, south, east, north."""

from __future__ import annotations

import json
import re
from typing import Any

Box = tuple[float, float, float, float]

MAX_POINTS = 200_000
# Possessive (`++`), here and below: what is read is not given back, or a long wrong text would take for ever.
_NUMBER = r"[-+]?(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?\d++)?+"
_WKT = re.compile(
    r"\s*(?:<[^>]*>|SRID=\d+;)?\s*(?:POINT|LINESTRING|POLYGON|MULTIPOINT|MULTILINESTRING|MULTIPOLYGON|ENVELOPE)"
    r"\s*+(?:ZM|Z|M)?+\s*+\(",
    re.IGNORECASE,
)
_CORNER = re.compile(
    rf"<(?:\w{{1,20}}:)?(lowerCorner|upperCorner)[^>]{{0,200}}>\s*+({_NUMBER})[\s,]++({_NUMBER})", re.IGNORECASE
)
_FOUR = re.compile(rf"\s*+({_NUMBER})[\s,;]++({_NUMBER})[\s,;]++({_NUMBER})[\s,;]++({_NUMBER})\s*+")


def box(west: Any, south: Any, east: Any, north: Any) -> Box | None:
    """The four as a box; None where one is no number or no degree. East of west may be smaller: across 180°."""
    try:
        found = (float(west), float(south), float(east), float(north))
    except (TypeError, ValueError, OverflowError):
        return None
    inside = all(-180 <= degree <= 180 for degree in (found[0], found[2]))
    return found if inside and -90 <= found[1] <= found[3] <= 90 else None


def box_of(value: Any) -> Box | None:
    """The box of a geometry in any of the ways above, text or JSON; None where it is none of them."""
    if isinstance(value, dict):
        return _geojson(value)
    if isinstance(value, list):
        return box(*value) if len(value) == 4 else None
    written = value.strip() if isinstance(value, str) else None
    if not written:
        return None
    if written[0] == "{":
        try:
            found = json.loads(written)
        except (ValueError, RecursionError):
            return None
        return _geojson(found) if isinstance(found, dict) else None
    corners = {name.lower(): (x, y) for name, x, y in _CORNER.findall(written)}
    if len(corners) == 2:
        return box(*corners["lowercorner"], *corners["uppercorner"])
    if four := _FOUR.fullmatch(written):
        return box(*four.groups())
    return _wkt(written) if _WKT.match(written) else None


def _wkt(written: str) -> Box | None:
    kind, _, inside = written.partition("(")
    if "envelope" in kind.lower():  # CQL's order: west, east, north, south
        four = re.findall(_NUMBER, inside)
        return box(four[0], four[3], four[1], four[2]) if len(four) == 4 else None
    points = [re.findall(_NUMBER, pair)[:2] for pair in inside.split(",")[:MAX_POINTS]]
    return _around([(point[0], point[1]) for point in points if len(point) == 2])


def _geojson(value: dict[str, Any]) -> Box | None:
    if isinstance(value.get("bbox"), list) and len(value["bbox"]) in (4, 6):
        half = len(value["bbox"]) // 2
        return box(*value["bbox"][:2], *value["bbox"][half : half + 2])
    points: list[tuple[Any, Any]] = []
    waiting: list[Any] = [value.get(key) for key in ("coordinates", "geometry", "geometries", "features")]
    while waiting and len(points) < MAX_POINTS:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += [part.get(key) for key in ("coordinates", "geometry", "geometries", "features")]
        elif isinstance(part, list) and len(part) >= 2 and all(isinstance(item, (int, float)) for item in part[:2]):
            points.append((part[0], part[1]))
        elif isinstance(part, list):
            waiting += part
    return _around(points)


def _around(points: list[tuple[Any, Any]]) -> Box | None:
    try:
        xs = [float(x) for x, _ in points]
        ys = [float(y) for _, y in points]
    except (TypeError, ValueError, OverflowError):
        return None
    return box(min(xs), min(ys), max(xs), max(ys)) if points else None
