"""From when a product is generally available, and until when it is supported: read live from its service levels."""

import pytest

from marketplace.catalogue.timeline import planned
from marketplace.live.view import SlaRow


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("endOfSupport", "2031-05-01")], [("End of support", "2031-05-01", False)]),
        ([("el", "2032-01-01"), ("es", "2031-05-01")],
         [("End of support", "2031-05-01", False), ("End of life", "2032-01-01", False)]),
        ([("end_of_life", "2020-01-01T10:00:00Z"), ("General Availability", "2019-01-01")],
         [("Generally available", "2019-01-01", True), ("End of life", "2020-01-01", True)]),
        ([("endOfLife", "2032-01-01"), ("endOfLife", "2030-01-01")], [("End of life", "2030-01-01", False)]),
        ([("endOfLife", "soon"), ("endOfSupport", None), ("endOfSupport", "99999-01-01")], []),
        ([("latency", "2030-01-01")], []),
        ([("endOfLife", "0001-01-01T00:00:00+14:00")], []),
        ([("endOfLife", "0001-01-01")], [("End of life", "0001-01-01", True)]),
    ],
)  # fmt: skip
def test_the_dates_of_a_product_s_life(rows, told):
    found = planned([SlaRow(name, value) for name, value in rows])
    assert [(date.label, date.iso, date.over) for date in found] == told
