"""Where and when a product has data: boxes on a small map and bars on a line of time, each also said in words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from marketplace.catalogue.bounds import Bounds, Rows
from marketplace.catalogue.text import moment
from marketplace.live import view

BOXES = 60
INTERVALS = 20
SMALL = 5.0  # degrees; what is smaller in both directions is marked by a point that can be seen


@dataclass(frozen=True)
class Box:
    """A rectangle on the map, or a point where it would be too small. In degrees from the map's top left corner."""

    x: float
    y: float
    width: float
    height: float
    point: bool = False


@dataclass(frozen=True)
class Span:
    """An interval in words; `x` and `width` in hundredths of the line of time, None where it cannot be drawn."""

    text: str
    x: float | None = None
    width: float | None = None
    open_end: bool = False


@dataclass(frozen=True)
class CoverageBlock:
    """Space and time of a product. `areas` say in words what `boxes` draw."""

    boxes: Sequence[Box]
    areas: Rows[str]
    places: Rows[str]
    spans: Rows[Span]
    first_year: int | None = None
    last_year: int | None = None

    @property
    def map_text(self) -> str:
        """What a reader hears instead of the map."""
        return "World map. Covered: " + "; ".join([*self.areas[:5], *(["more"] if len(self.areas) > 5 else [])])

    @property
    def drawn(self) -> list[Span]:
        """The intervals that are drawn."""
        return [span for span in self.spans if span.x is not None]


def coverage(found: view.Coverage, bounds: Bounds) -> CoverageBlock | None:
    """None where the document says neither where nor when."""
    if not (found.bboxes or found.intervals or found.places):
        return None
    areas = bounds.rows(found.bboxes, _area, BOXES)
    times = [_years(text) for text in found.intervals]
    known = [year for pair in times if pair for year in pair]
    now = _now_year()
    first, last = (min(known), max([*known, now])) if known else (now, now)
    length = max(last - first, 1.0)

    def span(number: int) -> Span:
        words, pair = _words(found.intervals[number]), times[number]
        if pair is None:
            return Span(words)
        width = max(1.0, 100 * (pair[1] - pair[0]) / length)
        x = min(100 * (pair[0] - first) / length, 100 - width)
        return Span(words, round(x, 1), round(width, 1), found.intervals[number].rstrip().endswith("/.."))

    return CoverageBlock(
        boxes=[box for bbox in found.bboxes[: len(areas)] for box in _boxes(bbox)],
        areas=areas,
        places=bounds.texts(found.places),
        spans=bounds.rows(range(len(found.intervals)), span, INTERVALS),
        first_year=int(first) if known else None,
        last_year=int(last) if known else None,
    )


_Bbox = tuple[float, float, float, float]


def _boxes(bbox: _Bbox) -> Iterator[Box]:
    """One box; two where it crosses the line at 180 degrees."""
    west, south, east, north = bbox
    if abs(east - west) >= 360:
        west, east = -180.0, 180.0
    else:
        west, east = _wrapped(west), _wrapped(east)
    pieces = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    for left, right in pieces:
        width, height = right - left, north - south
        if width < SMALL and height < SMALL and len(pieces) == 1:
            yield Box(round(left + width / 2 + 180, 2), round(90 - (south + north) / 2, 2), 0, 0, point=True)
        else:
            yield Box(round(left + 180, 2), round(90 - north, 2), round(max(width, 1.0), 2), round(max(height, 1.0), 2))


def _wrapped(longitude: float) -> float:
    return longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180


def _area(bbox: _Bbox) -> str:
    """ "41° N to 52° N, 5° W to 10° E"."""
    west, south, east, north = bbox
    if (south, north) == (-90, 90) and abs(east - west) >= 360:
        return "the whole world"
    if (west, south) == (east, north):
        return f"{_degrees(south, 'N', 'S')}, {_degrees(_wrapped(west), 'E', 'W')}"
    across = (
        "all longitudes"
        if abs(east - west) >= 360
        else (f"{_degrees(_wrapped(west), 'E', 'W')} to {_degrees(_wrapped(east), 'E', 'W')}")
    )
    return f"{_degrees(south, 'N', 'S')} to {_degrees(north, 'N', 'S')}, {across}"


def _degrees(value: float, positive: str, negative: str) -> str:
    side = f" {positive}" if value > 0 else f" {negative}" if value < 0 else ""
    return f"{abs(value):.4g}°{side}"


def _words(interval: str) -> str:
    """ "1 Jan 1950 onwards" of "1950-01-01/.."; other text as it is."""
    start, slash, end = (part.strip() for part in interval.partition("/"))
    starts, ends = start not in ("", ".."), end not in ("", "..")
    if not slash or not (starts or ends):
        return moment(interval)
    if not starts:
        return f"until {moment(end)}"
    return f"{moment(start)} to {moment(end)}" if ends else f"{moment(start)} onwards"


_YEAR = re.compile(r"\s*(-?\d{4,6})(?:-(\d{2}))?")


def _years(interval: str) -> tuple[float, float] | None:
    """Start and end as years with fractions; None where one that is said has no year."""
    start, slash, end = interval.partition("/")
    if not slash:
        end = start
    first, last = _year(start), _year(end)
    if end.strip() in ("", ".."):
        last = max(_now_year(), first or 0.0)
    if first is None or last is None or first > last:
        return None
    return first, last if slash else last + 1


def _year(text: str) -> float | None:
    found = _YEAR.match(text)
    if found is None or not -100_000 < int(found[1]) < 100_000:
        return None
    month = int(found[2]) if found[2] else 1
    return int(found[1]) + (min(max(month, 1), 12) - 1) / 12


def _now_year() -> float:
    now = datetime.now(UTC)
    return now.year + (now.month - 1) / 12
