"""Requests made up from the OpenAPI description, right and wrong ones: no answer is a 500, and each is as described."""

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from gateway.app import create_app
from tests.gateway.conftest import HOW_TO, ODPS, RAIN, write
from tests.gateway.serving import serving

EXAMPLES = 12
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A gateway on loopback with open data."""
    folder = tmp_path_factory.mktemp("open-rain")
    (folder / "data").mkdir()
    (folder / "data" / "rain.csv").write_text("station,mm\nS1,1.5\nS2,2.5\n")
    (folder / "data" / "how-to.pdf").write_bytes(b"%PDF-1.7\n")
    rain, how_to = ODPS["outputPorts"]
    rain = {**rain, "customProperties": [{"property": "accessRights", "value": "open"}]}
    write(folder / "product.odps.yaml", {**ODPS, "outputPorts": [rain, how_to]})
    write(folder / "contracts" / "rain.odcs.yaml", RAIN)
    write(folder / "contracts" / "how-to.odcs.yaml", HOW_TO)
    with serving(create_app(folder)) as url:
        yield url


@pytest.fixture(scope="module")
def described(gateway):
    """The schema as the gateway serves it."""
    return schemathesis.openapi.from_url(f"{gateway}/discover/openapi.json")


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
def test_every_call_answers_as_it_is_described(case):
    response = case.call(timeout=20)
    if response.status_code in (502, 503):
        assert response.headers["content-type"].startswith("application/"), "a product's failure is told in JSON too"
        return
    case.validate_response(response, checks=[CHECKS.get_one(name) for name in CHECKED])
