"""A descriptor of any standard at an address, fetched by a real worker from a real server."""

from typing import Any

import pytest

from marketplace.live import inspection
from marketplace.live.inspection import inspect_url

from .hostile import answer
from .test_descriptor_formats import DCS, LF, ODCS_2, collection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def inspected(celery_worker, wait_for):
    def run(url: str) -> inspection.Inspection:
        token = inspect_url(url)
        return wait_for(lambda: (found := inspection.inspection(token)).state != "waiting" and found)

    return run


@pytest.mark.parametrize(
    ("document", "standard", "title", "contract"),
    [
        (collection(), "STAC Collection 1.1.0", "Rain", None),
        (LF, "ODPS of opendataproducts.org 4.1", "City", None),
        (DCS, "Data Contract Specification 1.1.0", "Air", "air"),
        (ODCS_2, "ODCS v2.2.2", "my quantum", "u-1"),
    ],
)
def test_a_descriptor_alone_fills_the_form_and_contracts_are_contracts(
    inspected, server, document: dict[str, Any], standard: str, title: str, contract: str | None
):
    found = inspected(server.route("/any-name", answer(document)))
    assert (found.state, found.view.standard, found.suggestions.title) == ("done", standard, title)
    assert found.live.artifacts.view.artifacts
    assert [view.id for view in found.contracts] == ([contract] if contract else [])


def test_a_document_of_another_kind_is_named_with_what_to_do(inspected, server):
    found = inspected(server.route("/lineage.json", answer({"openResourceDiscovery": "1.9"})))
    assert found.state == "failed"
    assert "Open Resource Discovery" in found.problems[0].message
    assert "Point the link" in found.problems[0].advice
