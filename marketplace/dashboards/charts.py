"""Small charts as SVG that a template writes: bars in a box whose width is stretched, and the same said in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

HEIGHT = 32.0
STEP = 10  # of one bar with its gap
BAR = 8
LEAST = 1.5  # a day with anything at all is seen


@dataclass(frozen=True)
class Bar:
    """One value, in units of the box; `title` says it in words."""

    x: int
    y: float
    height: float
    title: str


@dataclass(frozen=True)
class Chart:
    """Bars in a box of `width` × `height`, each BAR wide. `text` says what the picture shows; `most` is its top."""

    width: int
    height: float
    bar: int
    bars: Sequence[Bar]
    text: str
    most: str
    first: date
    last: date


def plain(value: int) -> str:
    """Such as "1,204"."""
    return f"{value:,}"


def by_day(
    what: str, days: Sequence[date], values: Sequence[int], say: Callable[[int], str] = plain, *, total: bool = True
) -> Chart:
    """A bar a day. `what` names what is counted, such as "Page views". Days and values are as many, at least one.

    `say` writes a value; `total`: the sum of the values is something too.
    """
    most = max(values)
    bars = [
        Bar(place * STEP, round(HEIGHT - height, 2), round(height, 2), f"{short(day)}: {say(value)}")
        for place, (day, value) in enumerate(zip(days, values, strict=True))
        if value
        for height in [max(LEAST, HEIGHT * value / most)]
    ]
    text = f"{what} a day, {short(days[0])} to {short(days[-1])}: "
    if most:
        top = days[max(range(len(values)), key=values.__getitem__)]
        text += f"{f'{say(sum(values))} in all, ' if total else ''}most on {short(top)} with {say(most)}."
    else:
        text += "none."
    return Chart(len(days) * STEP - (STEP - BAR), HEIGHT, BAR, bars, text, say(most), days[0], days[-1])


def short(day: date) -> str:
    """Such as "3 Nov"."""
    return f"{day.day} {day:%b}"
