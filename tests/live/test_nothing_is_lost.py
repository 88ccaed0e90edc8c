"""ODPS and ODCS pass through: whatever a document says stands somewhere in its view."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from marketplace.live.formats import odcs, odps
from marketplace.live.parsing import parse
from marketplace.live.view import to_json

KNOWN_BY = ("apiVersion", "kind")
READ: dict[str, Callable[[Any], Any]] = {"odps": odps.product, "odcs": odcs.contract}


def marked(value: Any, number: Iterator[int], top: bool = True) -> Any:
    """The document with a value of its own in each place, so that none can be taken for another."""
    if isinstance(value, dict):
        return {k: v if top and k in KNOWN_BY else marked(v, number, False) for k, v in value.items()}
    if isinstance(value, list):
        return [marked(entry, number, False) for entry in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return 7_000_000 + next(number)
    return f"https://x.example/zq{next(number)}z" if value.startswith("http") else f"zq{next(number)}z"


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            if place or key not in KNOWN_BY:
                yield from leaves(entry, f"{place}.{key}")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from leaves(entry, f"{place}[{number}]")
    elif value is not None and not isinstance(value, bool):
        yield place, str(value)


@pytest.mark.parametrize("standard", READ)
def test_every_value_of_every_published_example_is_in_its_view(shared_data: Path, standard: str) -> None:
    examples = sorted((shared_data / "descriptors" / standard).iterdir())
    assert examples
    for path in examples:
        document = marked(parse(path.read_bytes()), count())
        assert isinstance(document, dict)
        said = to_json(READ[standard](document)).decode()
        assert [place for place, value in leaves(document) if value not in said] == [], path.name


def test_what_has_no_place_of_its_own_is_kept_with_its_place() -> None:
    contract = odcs.contract(
        {
            "kind": "DataContract",
            "team": {"name": "t", "tags": ["finance"], "members": [{"username": "ada", "id": "7"}]},
            "support": [{"channel": "c", "url": "slack://x", "id": "s"}],
            "servers": [{"server": "s", "id": "1", "roles": [{"role": "reader"}]}],
            "authoritativeDefinitions": [{"type": "t", "url": "javascript:alert(1)"}],
            "schema": [{"name": "s", "id": "9", "properties": [{"name": "c", "quality": [{"mustBe": 1, "x": "y"}]}]}],
        }
    )
    assert {value.name: value.value for value in contract.custom} == {
        "team.tags": '["finance"]',
        "team.members[ada].id": "7",
        "support[c].id": "s",
        "support[c].url": "slack://x",
        "authoritativeDefinitions": '{"type": "t", "url": "javascript:alert(1)"}',
    }
    assert [value.name for value in contract.servers[0].settings] == ["id", "roles"]
    assert [value.name for value in contract.schemas[0].custom] == ["id"]
    assert [value.name for value in contract.schemas[0].columns[0].custom] == ["quality[].x"]
