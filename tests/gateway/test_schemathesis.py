"""Requests made up from the OpenAPI description, right and wrong ones: no answer is a 500, and each is as described.

Once as a stranger with made-up ids, and once with a grant for everything and ids that exist, so that what is behind
the door is reached too.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import httpx2
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from gateway.app import create_app
from tests.gateway.conftest import HOW_TO, ODPS, RAIN, write
from tests.gateway.issuer import Issuer
from tests.gateway.receiver import Receiver
from tests.gateway.serving import serving
from tests.gateway.test_observing import until

pytestmark = pytest.mark.xdist_group("schemathesis")  # the last test sums up those before it

EXAMPLES = 8
CHECKED = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
SCOPES = "consume ingest control certify observe"
SOME = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)


class Gateway:
    """A gateway on loopback: rain is open, how-to is not."""

    def __init__(self, url: str, issuer: Issuer, receiver: Receiver) -> None:
        self.url = url
        self.issuer = issuer
        self.receiver = receiver
        self.client = httpx2.Client(base_url=url, timeout=30)
        listed = self.client.get("/discover/artifacts").json()["artifacts"]
        self.ids = {artifact["name"]: artifact["id"] for artifact in listed}
        self.cases = 0
        self.reached: dict[str, set[int]] = {}

    def grant(self) -> dict[str, str]:
        """Headers with a fresh token for everything."""
        return self.issuer.bearer(SCOPES)

    def order(self) -> str:
        """The id of an order that was just placed."""
        made = self.client.post(f"/consume/{self.ids['rain']}/orders", json={}, headers=self.grant())
        assert made.status_code == 202, made.text
        return made.json()["id"]

    @cached_property
    def ready(self) -> str:
        """The id of an order whose result is there."""
        path = f"/consume/{self.ids['rain']}/orders/{self.order()}"

        def status() -> str:
            return self.client.get(path, headers=self.grant()).json()["status"]

        until(lambda: status() == "ready", 120)
        return path.rsplit("/", 1)[1]

    def subscription(self, path: str) -> str:
        """The id of a subscription that was just made."""
        made = self.client.post(path, json={"url": self.receiver.url}, headers=self.grant())
        assert made.status_code == 201, made.text
        return made.json()["id"]

    def reset(self) -> None:
        """As it was before /control: running, with no changed limits."""
        self.client.post("/control/resume", headers=self.grant())
        now = self.client.post("/control/configure", json={}, headers=self.grant()).json()["limits"]
        if now:
            self.client.post("/control/configure", json={"limits": dict.fromkeys(now)}, headers=self.grant())

    def note(self, case: Any, status: int) -> None:
        """Remember which statuses a call has given."""
        self.reached.setdefault(f"{case.method.upper()} {case.operation.path}", set()).add(status)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The gateway, with everything in it bounded so that a made-up request ends soon."""
    folder = tmp_path_factory.mktemp("open-rain")
    issuer, receiver = Issuer(), Receiver()
    (folder / "data").mkdir()
    (folder / "data" / "rain.csv").write_text("station,mm\nS1,1.5\nS2,2.5\n")
    (folder / "data" / "how-to.pdf").write_bytes(b"%PDF-1.7\n")
    write(folder / "product.odps.yaml", ODPS)
    write(folder / "contracts" / "rain.odcs.yaml", RAIN)
    write(folder / "contracts" / "how-to.odcs.yaml", HOW_TO)
    config = {
        "artifacts": {"rain": {"access": "open", "ingest": True}},
        "deliveries": {"allow_internal": True, "per_subscriber": 10_000, "per_host": 10_000, "per_minute": 100_000},
        "limits": {"orders": 1000, "orders_per_consumer": 1000},
        "observe": {"retry_seconds": [3600], "delivery_seconds": 1},
    }
    write(folder / "gateway.yaml", {**issuer.trust(), **config})
    with serving(create_app(folder)) as url:
        made = Gateway(url, issuer, receiver)
        yield made
        made.client.close()
    issuer.close()
    receiver.close()


@pytest.fixture(scope="module")
def described(gateway: Gateway) -> Any:
    """The schema as the gateway serves it."""
    return schemathesis.openapi.from_url(f"{gateway.url}/discover/openapi.json")


schema = schemathesis.pytest.from_fixture("described")


def conforms(case: Any, response: Any) -> None:
    """The answer is as described, and a fault of the server is one it may have."""
    case.validate_response(response, checks=[CHECKS.get_one(name) for name in CHECKED])
    if response.status_code < 500:
        return
    documented = case.operation.definition.raw["responses"]
    assert str(response.status_code) in documented, f"{response.status_code} is not documented: {response.text}"
    assert response.status_code in (502, 503, 504), response.text
    if response.status_code == 503 and case.operation.path != "/observe/health":
        assert "retry-after" in {name.lower() for name in response.headers}, response.text


def at_home(case: Any, gateway: Gateway) -> Any:
    """The case with no address in its body that would be looked up."""
    if isinstance(case.body, dict) and isinstance(case.body.get("url"), str):
        case.body["url"] = gateway.receiver.url
    return case


def sensible(case: Any, gateway: Gateway) -> Any:
    """Every other case with what no schema can say: ids that exist, SQL that is some, rows of this table."""
    path = case.operation.path
    if path.startswith(("/consume/{id}", "/ingest/{id}", "/discover/artifact/{id}")):
        case.path_parameters["id"] = gateway.ids["rain"]
    if "{order}" in path:
        case.path_parameters["order"] = gateway.ready if case.method.upper() == "GET" else gateway.order()
    if path.endswith("/subscriptions/{id}"):
        case.path_parameters["id"] = gateway.subscription(path.removesuffix("/{id}"))
    if path == "/discover/contracts/{contractId}":
        case.path_parameters["contractId"] = "daily-rain"
    gateway.cases += 1
    if gateway.cases % 2:
        return case
    if isinstance(case.body, dict):
        for name, value in (("sql", "SELECT station, mm FROM data"), ("secret", None), ("expires", None)):
            if isinstance(case.body.get(name), str):
                case.body[name] = value
        case.body.pop("recipient", None)
    if path == "/ingest/{id}" and isinstance(case.body, list):
        rows = [
            {**row, "station": f"S{number}", "mm": 1.5} for number, row in enumerate(case.body) if isinstance(row, dict)
        ]
        case.body = rows or [{"station": "S", "mm": 0}]
    return case


@schema.parametrize()
@SOME
def test_every_call_answers_a_stranger_as_it_is_described(case: Any, gateway: Gateway) -> None:
    conforms(case, at_home(case, gateway).call(timeout=30))


@schema.parametrize()
@SOME
def test_every_call_answers_a_grant_as_it_is_described(case: Any, gateway: Gateway) -> None:
    case = sensible(case, gateway)
    response = at_home(case, gateway).call(headers={**(case.headers or {}), **gateway.grant()}, timeout=30)
    conforms(case, response)
    if "authorization" in {name.lower() for name in response.request.headers}:  # it leaves what is required out, too
        assert response.status_code not in (401, 403), response.text
    if case.method.upper() == case.operation.method.upper():  # it tries other methods, too
        gateway.note(case, response.status_code)
    if case.operation.path.startswith("/control/"):
        gateway.reset()


def test_what_is_behind_the_door_was_reached(gateway: Gateway) -> None:
    """Each call has been answered with a success at least once, made-up bodies and all."""
    if not gateway.reached:
        pytest.skip("needs the tests before this one")
    refused = [call for call, statuses in gateway.reached.items() if not any(status < 400 for status in statuses)]
    assert refused == []
