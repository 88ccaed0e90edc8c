"""Quality rules as a page words them."""

from marketplace.live.formats.quality import rule_text


def test_missing_values_are_named_in_words() -> None:
    rule = {
        "metric": "missingValues",
        "arguments": {"missingValues": [None, "", "n/a"]},
        "mustBeLessOrEqualTo": 6,
        "unit": "rows",
    }
    assert rule_text(rule) == "missing values (counted as missing: null, empty, n/a) must be at most 6"


def test_valid_values_are_named_in_words() -> None:
    rule = {"metric": "invalidValues", "arguments": {"validValues": ["a", None]}, "mustBe": 0}
    assert rule_text(rule) == "invalid values (valid: a, null) must be 0"
