"""A place is read or is none; no text, however long and wrong, takes long."""

import time

import pytest

from marketplace.live.formats.places import box_of


@pytest.mark.parametrize(
    "written",
    [
        "POINT" + " " * 100_000 + "x",
        "1" * 100_000 + "x",
        ("1" * 2_000 + " ") * 3 + "x",
        "1" + " " * 100_000 + "x",
        "<lowerCorner>" + "1" * 100_000 + "x",
        "<lowerCorner>" + " " * 100_000 + "x",
    ],
)
def test_what_is_no_place_is_known_at_once(written):
    started = time.perf_counter()
    assert box_of(written) is None
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "written",
    [
        "1 2 3 4",
        " 1.0, 2e0; 3. 4 ",
        "POLYGON Z ((1 2, 3 2, 3 4, 1 4, 1 2))",
        "MULTIPOINT ZM(1 2, 3 4)",
        "ENVELOPE(1, 3, 4, 2)",
        "<gml:lowerCorner srs='x'> 1 2</gml:lowerCorner><gml:upperCorner>3 4</gml:upperCorner>",
    ],
)
def test_the_ways_to_write_a_box_are_read(written):
    assert box_of(written) == (1, 2, 3, 4)
