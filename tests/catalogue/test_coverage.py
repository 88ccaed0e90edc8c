"""Where and when: drawn by the server, and said in words that need no picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalogue.bounds import Bounds
from marketplace.catalogue.coverage import CoverageBlock, coverage
from marketplace.live.view import Coverage

degrees = st.floats(-360, 360, allow_nan=False)


def block(**said: object) -> CoverageBlock:
    found = coverage(Coverage(**said), Bounds())  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_product_that_says_neither_has_no_coverage() -> None:
    assert coverage(Coverage(), Bounds()) is None


@pytest.mark.parametrize(
    ("bbox", "words", "boxes"),
    [
        ((-5.0, 41.0, 10.0, 52.0), "41° N to 52° N, 5° W to 10° E", [(175, 38, 15, 11, False)]),
        ((-180.0, -90.0, 180.0, 90.0), "the whole world", [(0, 0, 360, 180, False)]),
        ((0.0, -90.0, 360.0, 90.0), "the whole world", [(0, 0, 360, 180, False)]),
        ((170.0, -20.0, -170.0, -10.0), "20° S to 10° S, 170° E to 170° W", [(350, 100, 10, 10, False),
                                                                           (0, 100, 10, 10, False)]),
        ((350.0, 0.0, 360.0, 10.0), "0° to 10° N, 10° W to 0°", [(170, 80, 10, 10, False)]),
        ((2.35, 48.85, 2.35, 48.85), "48.85° N, 2.35° E", [(182.35, 41.15, 0, 0, True)]),
        ((2.0, 48.0, 3.0, 49.0), "48° N to 49° N, 2° E to 3° E", [(182.5, 41.5, 0, 0, True)]),
    ],
)  # fmt: skip
def test_a_box_is_drawn_and_said(bbox: tuple[float, ...], words: str, boxes: list[tuple[float, ...]]) -> None:
    found = block(bboxes=(bbox,))
    assert list(found.areas) == [words]
    assert [(box.x, box.y, box.width, box.height, box.point) for box in found.boxes] == boxes
    assert words in found.map_text


@given(degrees, degrees, st.floats(-90, 90), st.floats(-90, 90))
def test_nothing_is_drawn_outside_the_map(west: float, east: float, one: float, other: float) -> None:
    for box in block(bboxes=((west, min(one, other), east, max(one, other)),)).boxes:
        assert 0 <= box.x <= 360
        assert 0 <= box.y <= 180
        assert box.x + box.width <= 361  # a hairline is drawn one degree wide
        assert box.y + box.height <= 181


@pytest.mark.parametrize(
    ("interval", "words", "drawn"),
    [
        ("1950-01-01/..", "1 Jan 1950 onwards", True),
        ("1950-01-01/2020-12-31", "1 Jan 1950 to 31 Dec 2020", True),
        ("../2020-12-31", "until 31 Dec 2020", False),
        ("1959/2014", "1959 to 2014", True),
        ("2016-03-01T00:00:00Z/2016-06-01T12:30:00Z", "1 Mar 2016 to 1 Jun 2016, 12:30 UTC", True),
        ("the last century", "the last century", False),
        ("2020/1990", "2020 to 1990", False),
        ("../..", "../..", False),
        ("9999999-01-01/..", "9999999-01-01 onwards", False),
    ],
)
def test_a_time_is_said_in_words_and_drawn_where_it_has_years(interval: str, words: str, drawn: bool) -> None:
    [span] = block(intervals=(interval,)).spans
    assert span.text == words
    assert (span.x is not None) == drawn


@given(
    st.lists(
        st.text(max_size=30) | st.from_regex(r"-?\d{1,6}(-\d\d)?/(-?\d{1,6}|\.\.)", fullmatch=True),
        min_size=1,
        max_size=8,
    )
)
def test_bars_lie_on_the_line_of_time(intervals: list[str]) -> None:
    for span in block(intervals=tuple(intervals)).drawn:
        assert span.x is not None
        assert span.width is not None
        assert 0 <= span.x <= 100
        assert span.width > 0
        assert span.x + span.width <= 100.2


def test_many_boxes_are_cut_and_counted() -> None:
    found = block(bboxes=tuple((float(n % 100), 0.0, float(n % 100) + 20, 20.0) for n in range(500)))
    assert len(found.boxes) == 60
    assert found.areas.more == 440
    assert len(found.map_text) < 500
