"""Every published descriptor gives a view or a clear reason; the command that says so is honest about it."""

import gzip
import json
import re
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketplace.live import reading
from marketplace.live.formats import stac
from marketplace.live.reading import Document, documents, read
from marketplace.live.view import ProductView, from_json, to_json

# Folder of ../shared/data/descriptors → what its documents are read as, and the reasons by a part of their words.
EXPECTED: dict[str, dict[str, int]] = {
    "datacontract": {"Data Contract Specification": 1},
    "datapackage": {"Data Package": 11},
    "dataproduct-innoq": {"Data Product Specification": 1},
    "dpds": {"DPDS": 2, "one component of a DPDS": 3, "none of the formats": 1},
    "lf-odps": {"ODPS of opendataproducts.org": 11, "a part of an opendataproducts.org": 5},
    "lf-odps-2": {"ODPS of opendataproducts.org": 18},
    "odcs": {"ODCS": 15},
    "odcs-invalid": {"ODCS": 12, "kind is 'DataModel'": 1},
    "odps": {"ODPS": 2},
    "openlineage": {"OpenLineage": 11},
    "ord": {"Open Resource Discovery": 2},
}


@pytest.mark.parametrize("folder", EXPECTED)
def test_each_document_goes_to_its_format_or_says_what_it_is(shared_data: Path, folder: str):
    found: Counter[str] = Counter()
    for document in documents(shared_data / "descriptors" / folder):
        seen = read(document)
        assert seen.fault is None, (document.name, seen.fault)
        if seen.view is not None:
            assert from_json(ProductView, to_json(seen.view)) == seen.view
            assert seen.view.title or seen.view.id or seen.view.problems, document.name
            found[seen.format or ""] += 1
        else:
            assert seen.reason
            assert seen.advice, document.name
            known = [words for words in EXPECTED[folder] if words in seen.reason]
            assert known, (document.name, seen.reason)
            found[max(known, key=len)] += 1
    assert dict(found) == EXPECTED[folder]


def test_every_published_document_gives_a_view_or_a_clear_reason(shared_data: Path):
    seen = [read(document) for document in documents(shared_data / "descriptors")]
    assert len(seen) >= 190
    assert [(one.path, one.fault) for one in seen if one.fault] == []
    assert all(one.view or (one.reason and one.advice) for one in seen)


_PLACE = re.compile(r"(at the top|[A-Za-z]+(\[\d+\]|\.[A-Za-z]+)*): ")


def test_valid_examples_have_no_problems_and_each_invalid_one_is_named_with_the_place(shared_data: Path):
    for folder, wanted in (("odcs", False), ("odps", False), ("odcs-invalid", True)):
        for document in documents(shared_data / "descriptors" / folder):
            seen = read(document)
            if seen.view is not None:
                assert bool(seen.view.problems) is wanted, (document.name, seen.view.problems)
                assert all(_PLACE.match(problem) for problem in seen.view.problems), seen.view.problems
            else:
                assert wanted, document.name


def test_no_data_package_loses_a_column(shared_data: Path):
    for document in documents(shared_data / "descriptors" / "datapackage"):
        written = json.loads(document.body)
        view = read(document).view
        assert view is not None
        assert [len(artifact.schemas[0].columns) for artifact in view.artifacts] == [
            len(resource["schema"]["fields"]) for resource in written["resources"]
        ]


def test_real_stac_collections_give_views_with_all_they_say(shared_data: Path):
    """The first 2,000; `read_descriptors ../shared/data/stac` reads all 29,869."""
    count, seconds = 0, 0.0
    for document in documents(shared_data / "stac", limit=2000):
        written = json.loads(document.body)
        seen = read(document)
        assert seen.view is not None, (document.name, seen.reason or seen.fault)
        assert seen.format == stac.NAME
        view = seen.view
        assert (view.id, view.title) == (written["id"].strip(), written["title"].strip() or written["id"].strip())
        about = {"metadata", "thumbnail", "browse"}
        offered = [key for key, asset in written.get("assets", {}).items() if not about & set(asset.get("roles", []))]
        items = [link for link in written["links"] if link["rel"] == "items"]
        assert len(view.artifacts) == len(offered) + len(items), document.name
        assert view.coverage.intervals, document.name
        assert (view.license is None) == (
            written["license"] == "not-provided" and not any(link["rel"] == "license" for link in written["links"])
        )
        count += 1
        seconds += seen.seconds
    assert count == 2000
    assert seconds < 20, f"{seconds:.1f} s of processor time for 2,000 collections"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good").mkdir()
    (tmp_path / "bad").mkdir()
    collection = {"type": "Collection", "stac_version": "1.0.0", "id": "x", "title": "X"}
    lines = b"".join(json.dumps({**collection, "id": str(number)}).encode() + b"\n" for number in range(5))
    (tmp_path / "good" / "many.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "good" / "product.yaml").write_text("apiVersion: v1.0.0\nkind: DataProduct\nid: p\nstatus: active\n")
    (tmp_path / "bad" / "page.html").write_text("<html><body>sign in</body></html>")
    (tmp_path / "bad" / "binary.json").write_bytes(b"\x00\x01\x02")
    return tmp_path


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command("read_descriptors", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_counts_views_and_reasons_by_folder(folder: Path):
    said = json.loads(run(folder, "--json", "--limit", "3"))
    assert {name: (row["documents"], row["views"], row["reasons"]) for name, row in said["folders"].items()} == {
        "bad": (2, 0, 2),
        "good": (4, 4, 0),
    }
    assert {name: (row["documents"], row["problems"]) for name, row in said["formats"].items()} == {
        "STAC Collection 1.0.0": (3, 3),
        "ODPS v1.0.0": (1, 0),
        "no view: cannot be read": (2, 0),
    }
    reasons = {told["path"]: told["reason"] for told in said["told"] if told["reason"]}
    assert "NUL" in reasons["bad/binary.json"]
    assert "web page" in reasons["bad/page.html"]
    table = run(folder)
    assert "good" in table
    assert "bad/binary.json" in table


def test_the_command_fails_on_a_fault_of_ours(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(_: Any) -> Any:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(reading, "recognise", broken)
    assert read(Document("x.json", b"{}", "application/json")).fault == "ZeroDivisionError: ours"
    with pytest.raises(CommandError, match="neither a view nor a reason"):
        run(folder)


def test_the_command_names_a_folder_that_is_not_there_or_empty(tmp_path: Path):
    with pytest.raises(CommandError, match="does not exist"):
        run(tmp_path / "no")
    with pytest.raises(CommandError, match="holds no files"):
        run(tmp_path)
