"""Objectives stand beside measurements only where both mean the same; a bar never says more than the figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalogue.bounds import Bounds
from marketplace.catalogue.promises import rows
from marketplace.catalogue.rows import SlaRow
from marketplace.live import view

MEASURED = {
    "latencyMs.p95": "120",
    "freshness.ageSeconds": "7200",
    "requests.byStatus.200": "995",
    "requests.byStatus.404": "4",
    "requests.byStatus.503": "1",
}


def row(property: str, value: str | None, unit: str | None, **measured: str) -> SlaRow:
    said = {**MEASURED, **{name.replace("__", "."): text for name, text in measured.items()}}
    metrics = view.MetricsView(tuple(view.Metric(name, text) for name, text in said.items()))
    [found] = rows([view.SlaRow(property, value, unit)], metrics, Bounds())
    return found


@pytest.mark.parametrize(
    ("property", "value", "unit", "verdict", "measured"),
    [
        ("responseTime", "400", "ms", "met", "95 of 100 within 120 ms"),
        ("responseTime", "0.1", "s", "missed", "95 of 100 within 120 ms"),
        ("latency", "100", "ms", "missed", "95 of 100 within 120 ms"),
        ("latency", "2", "d", "", ""),  # ODCS: how late the data is, which nobody measures here
        ("frequency", "1", "d", "met", "changed 2 hours ago"),
        ("freshness", "1", "h", "missed", "changed 2 hours ago"),
        ("availability", "99.5", "percent", "met", "99.90 % of 1,000 answers"),
        ("availability", "99.95", "%", "missed", "99.90 % of 1,000 answers"),
        ("availability", "0.999", "", "met", "99.90 % of 1,000 answers"),
        ("availability", "99.5", "minutes", "", ""),
        ("availability", "nine", "%", "", ""),
        ("availability", "-1", "%", "", ""),
        ("availability", "NaN", "%", "", ""),
        ("availability", "1e999", "%", "", ""),
        ("retention", "10", "y", "", ""),
        ("responseTime", None, "ms", "", ""),
        ("<script>", "1", "ms", "", ""),
    ],
)
def test_what_can_be_compared_is(property: str, value: str | None, unit: str, verdict: str, measured: str) -> None:
    found = row(property, value, unit)
    assert found.verdict == verdict
    assert measured in found.measured
    assert (found.bar is not None) == bool(verdict)


def test_a_share_is_never_rounded_up_to_all() -> None:
    found = row("availability", "99.9", "%", requests__byStatus__200="99999999")
    assert "99.99 %" in found.measured


def test_a_product_without_measurements_is_not_judged() -> None:
    assert row("availability", "99", "%", **{key.replace(".", "__"): "0" for key in MEASURED}).verdict == ""
    [found] = rows([view.SlaRow("availability", "99", "%")], None, Bounds())
    assert (found.verdict, found.bar) == ("", None)


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_the_bar_agrees_with_the_verdict(objective: float, measured: float) -> None:
    found = row("responseTime", repr(objective), "ms", latencyMs__p95=repr(measured))
    assert found.bar is not None
    assert 0 <= found.bar.measured <= 100
    assert 0 <= found.bar.allowed <= 100
    if found.bar.measured != found.bar.allowed:
        assert (found.bar.measured < found.bar.allowed) == (found.verdict == "met")
