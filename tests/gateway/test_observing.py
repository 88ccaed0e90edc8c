"""Results, health and certification follow the data; who asked is told, signed, again and again, and never inside."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from standardwebhooks.webhooks import Webhook
from starlette.testclient import TestClient

from gateway.certify.publishing import shown
from gateway.freshness import allowed_age
from gateway.state import State
from gateway.subscriptions.addresses import AddressError, checked, is_public
from tests.gateway.conftest import RAIN, write
from tests.gateway.issuer import Issuer
from tests.gateway.receiver import Receiver

SOON = {"Prefer": "wait=30"}
RULES = [
    {"id": "rows", "type": "library", "metric": "rowCount", "mustBe": 150, "dimension": "completeness"},
    {"id": "sane", "type": "sql", "query": "SELECT count(*) FROM {object} WHERE mm > 1000", "mustBe": 0},
]
# OORS 0.8.1 as its pages state it: required fields, closed enumerations, at least one result, camelCase names.
STATUS = {"enum": ["pass", "fail", "warn", "error", "skip", "unknown"]}
OORS = {
    "type": "object",
    "required": ["apiVersion", "kind", "id", "observedAt", "source", "results"],
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"const": "v0.8.1"},
        "kind": {"const": "ObservabilityResults"},
        "id": {"type": "string"},
        "observedAt": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
        "status": STATUS,
        "source": {"type": "object", "required": ["process"],
                   "propertyNames": {"enum": ["process", "runId", "vendor"]}},
        "run": {"type": "object", "required": ["state"],
                "propertyNames": {"enum": ["state", "startedAt", "sequence", "progress"]}},
        "contract": {"type": "object", "required": ["contractId"],
                     "propertyNames": {"enum": ["contractId", "standard", "version", "server"]}},
        "tags": {"type": "array"},
        "customProperties": {"type": "array", "items": {"type": "object", "required": ["property", "value"]}},
        "results": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["id", "type", "name", "status"],
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "string"}, "type": {"enum": ["check", "metric"]}, "name": {"type": "string"},
                    "status": STATUS, "relatesTo": {"type": "string"}, "severity": {"type": "string"},
                    "dimension": {"type": "string"}, "message": {"type": "string"}, "tags": {"type": "array"},
                    "target": {"type": "object", "required": ["resourceType", "resourceIdentifier"],
                               "propertyNames": {"enum": ["resourceType", "resourceIdentifier", "filter"]}},
                    "measure": {"type": "object", "required": ["metric"], "propertyNames": {
                        "enum": ["metric", "value", "threshold", "unit", "rowCount", "failedRowCount"]}},
                    "customProperties": {"type": "array", "items": {"required": ["property", "value"]}},
                },
            },
        },
    },
}  # fmt: skip
CONFIG: dict[str, Any] = {
    "deliveries": {"allow_internal": True},
    "observe": {"pause_seconds": 0, "retry_seconds": [0.05, 0.05]},
    "schedule": {"quality_minutes": 0},
}


@pytest.fixture
def product(folder: Path) -> Path:
    """The folder with rules in its rain contract, and a gateway.yaml."""
    document = json.loads(json.dumps(RAIN))
    document["schema"][0]["quality"] = RULES
    document["slaProperties"] = [
        {"property": "frequency", "value": 1, "unit": "d"},
        {"property": "latency", "value": 2, "unit": "d"},
    ]
    write(folder / "contracts" / "rain.odcs.yaml", document)
    write(folder / "gateway.yaml", CONFIG)
    return folder


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def break_data(folder: Path) -> None:
    """Take a row away and name nobody in another."""
    (folder / "data" / "rain.csv").write_text("station,mm\n" + "".join(f"S{n},{n}\n" for n in range(148)) + ",7\n")


def measured(client: TestClient) -> dict[str, Any]:
    answer = client.get("/observe/results", headers=SOON)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["run"]["state"] == "completed"
    return found


def by_id(document: dict[str, Any]) -> dict[str, str]:
    return {result["id"]: result["status"] for result in document["results"]}


# -- results ----------------------------------------------------------------------------------------------------------


def test_the_first_answer_comes_at_once_and_claims_nothing(product, client_of):
    answer = client_of(product).get("/observe/results")
    document = answer.json()
    assert document["run"]["state"] == "running"
    assert document["status"] == "skip"
    assert {result["status"] for result in document["results"]} == {"skip"}
    assert answer.headers["cache-control"] == "no-cache"
    assert [e.message for e in Draft202012Validator(OORS).iter_errors(document)] == []


def test_results_are_oors_and_follow_the_data(product, client_of):
    client = client_of(product)
    document = measured(client)
    assert [e.message for e in Draft202012Validator(OORS).iter_errors(document)] == []
    assert document["status"] == "pass"
    assert by_id(document)["rain/rain.rows"] == "pass"
    assert document["contract"] == {"contractId": "daily-rain", "standard": "ODCS", "version": "1.0.0"}
    assert measured(client)["id"] == document["id"], "nothing changed, so nothing is measured again"
    break_data(product)
    after = measured(client)
    assert [e.message for e in Draft202012Validator(OORS).iter_errors(after)] == []
    assert after["status"] == "fail"
    assert {key for key, status in by_id(after).items() if status == "fail"} == {
        "rain/rain.rows",
        "rain/rain.station.required",
    }
    [rows] = [result for result in after["results"] if result["id"] == "rain/rain.rows"]
    assert rows["measure"] == {"metric": "rowCount", "value": 149, "threshold": {"mustBe": 150}, "unit": "rows",
                               "rowCount": 149}  # fmt: skip
    assert rows["relatesTo"] == "schema/rain/quality/rows"


def test_results_can_be_asked_for_one_artifact_or_contract(product, client_of):
    client = client_of(product)
    document = measured(client)
    artifact = client.get("/discover/artifacts").json()["artifacts"][0]["id"]
    assert len(client.get(f"/observe/results?artifactId={artifact}").json()["results"]) == len(document["results"])
    assert client.get("/observe/results?contractId=daily-rain").status_code == 200
    problem = client.get("/observe/results?contractId=other")
    assert problem.status_code == 404
    assert problem.json()["title"] == "No such results"


def test_a_product_without_rules_says_that_nothing_was_evaluated(folder, client_of):
    (folder / "contracts" / "rain.odcs.yaml").unlink()
    document = measured(client_of(folder))
    assert [e.message for e in Draft202012Validator(OORS).iter_errors(document)] == []
    assert document["status"] == "skip"


def test_results_outlive_the_process(product, client_of):
    before = measured(client_of(product))
    again = client_of(product).get("/observe/results").json()
    assert (again["id"], again["run"]["state"]) == (before["id"], "completed")


def test_a_data_file_that_is_gone_is_an_error_and_no_pass(product, client_of):
    (product / "data" / "rain.csv").unlink()
    document = measured(client_of(product))
    assert document["status"] == "error"
    assert "pass" not in by_id(document).values()


def test_the_server_process_does_not_load_duckdb(product):
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from starlette.testclient import TestClient;"
        "from gateway.app import create_app; client = TestClient(create_app(Path(sys.argv[1])));"
        "assert client.get('/observe/results', headers={'Prefer': 'wait=30'}).json()['status'] == 'pass';"
        "assert client.get('/certify/status').json()['status'] == 'OK'; print('duckdb' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(product)], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


# -- health -----------------------------------------------------------------------------------------------------------


def test_health_warns_of_broken_rules_and_of_age(product, client_of):
    import os

    client = client_of(product)
    measured(client)
    health = client.get("/observe/health").json()
    assert health["status"] == "pass"
    assert health["checks"]["contract:met"][0]["status"] == "pass"
    break_data(product)
    measured(client)
    health = client.get("/observe/health").json()
    assert health["status"] == "warn"
    assert "station is never null" in health["output"]
    old = time.time() - 4 * 86400
    os.utime(product / "data" / "rain.csv", (old, old))
    fresh = client.get("/observe/health").json()["checks"]["data:fresh"][0]
    assert fresh["status"] == "warn"
    assert "its contract allows 3.0" in fresh["output"]


def test_allowed_age_is_what_the_sla_says():
    def days(*properties: tuple[str, Any, str]) -> float | None:
        found = allowed_age({"slaProperties": [{"property": p, "value": v, "unit": u} for p, v, u in properties]})
        return found.age.total_seconds() / 86400 if found else None

    assert days(("frequency", 1, "d"), ("latency", 12, "hours")) == 1.5
    assert days(("frequency", "2", "weeks")) == 14
    assert days(("freshness", 36, "h"), ("frequency", 1, "y")) == 1.5
    assert days(("latency", 1, "d")) is None
    assert days(("frequency", 1, "m")) is None, "minutes or months: nobody knows"
    assert days(("frequency", "often", "d")) is None
    assert days(("Freshness", "PT36H", "")) == 1.5
    assert days(("fy", "P1W", ""), ("LY", 1, "Days")) == 8, "synonyms; names and units without case"
    assert days(("frequency", 1, "mo")) == 31, "the longest month"
    assert days(("frequency", 1, "a")) == days(("frequency", 1, "Years")) == 366
    assert days(("retention", 1, "d")) is None, "how long it is kept says nothing of its age"
    for value, unit in ((-1, "d"), (True, "d"), ("P", ""), ("PT", ""), ("P1X", ""), (None, "d"), (1, None),
                        ("nan", "d"), (1e300, "y"), ("inf", "d")):  # fmt: skip
        assert days(("frequency", value, unit)) is None, (value, unit)
    assert days(("freshness", 0, "d")) == 0
    assert allowed_age(None) is None


# -- certification ----------------------------------------------------------------------------------------------------


def test_nothing_is_certified_before_it_was_measured(product, client_of):
    client = client_of(product)
    status = client.get("/certify/status").json()
    assert status["status"] == "NOT COMPLIANT"
    assert status["history"] == []
    status = client.get("/certify/status", headers=SOON).json()
    assert (status["status"], status["met"], status["quality"]) == ("OK", 4, 1.0)
    report = client.get("/certify/report").json()
    assert report["id"] == status["reportId"]
    assert {policy["id"] for policy in report["policies"]} == {"contracts", "contract-met", "freshness", "health"}


def test_the_policies_of_the_settings_are_judged_with_evidence(product, client_of):
    policies = [
        {"check": "quality", "at_least": 0.9, "name": "Good data"},
        {"check": "freshness", "within": "P1D"},
        {"check": "contract version", "contract_id": "daily-rain", "at_least": "1.0.0"},
        {"check": "contract version", "contract_id": "daily-rain", "at_least": "1.2.0"},
        {"check": "contract version", "contract_id": "nothing"},
        {"check": "stated", "fields": ["license"]},
        {"check": "stated", "fields": ["accessRights"], "id": "rights"},
        {"check": "health"},
    ]
    write(product / "gateway.yaml", {**CONFIG, "policies": policies})
    client = client_of(product)
    report = client.get("/certify/report", headers=SOON).json()
    met = {policy["id"]: policy["met"] for policy in report["policies"]}
    assert met == {
        "quality": True, "freshness": True, "contract-version": True, "contract-version-2": False,
        "contract-version-3": False, "stated": True, "rights": False, "health": True,
    }  # fmt: skip
    assert report["status"] == "NOT COMPLIANT"
    found = {policy["id"]: policy for policy in report["policies"]}
    assert found["quality"]["name"] == "Good data"
    assert found["quality"]["evidence"]["resultsId"] == report["resultsId"]
    assert found["rights"]["evidence"]["missing"] == {"how-to": ["accessRights"]}
    break_data(product)
    after = client.get("/certify/report", headers=SOON).json()
    assert not next(policy for policy in after["policies"] if policy["id"] == "quality")["met"]
    assert after["quality"] < 1


def test_the_last_reports_are_kept_and_found(product, client_of):
    write(product / "gateway.yaml", {**CONFIG, "observe": {**CONFIG["observe"], "keep_reports": 2}})
    client = client_of(product)
    ids = []
    for rows in (150, 149, 148):
        (product / "data" / "rain.csv").write_text("station,mm\n" + "".join(f"S{n},{n}\n" for n in range(rows)))
        ids.append(client.get("/certify/report", headers=SOON).json()["id"])
    assert len(set(ids)) == 3
    assert client.get("/certify/status").json()["history"] == [ids[2], ids[1]]
    assert client.get(f"/certify/report?id={ids[1]}").json()["id"] == ids[1]
    assert client.get(f"/certify/report?id={ids[0]}").status_code == 404


def test_a_policy_that_is_none_is_refused_by_name(product, client_of):
    from gateway.documents import DocumentError

    write(product / "gateway.yaml", {**CONFIG, "policies": [{"check": "vibes"}]})
    with pytest.raises(DocumentError) as caught:
        client_of(product)
    assert "policies.0" in str(caught.value.problems)


def test_a_report_is_published_to_the_recipients_with_a_grant(product, client_of, receiver):
    issuer = Issuer()
    secret = f"{receiver.url}&token=s3cret"
    recipients = [{"name": "office", "url": secret}, {"name": "away", "url": "http://127.0.0.1:1/s3cret"}]
    write(product / "gateway.yaml", {**CONFIG, **issuer.trust(), "recipients": recipients})
    client = client_of(product)
    assert client.post("/certify/publish").status_code == 401
    assert client.post("/certify/publish", headers=issuer.bearer("control")).status_code == 403
    office = {"recipient": "office"}
    answer = client.post("/certify/publish", json=office, headers=issuer.bearer("certify") | SOON)
    assert answer.status_code == 200, answer.text
    assert answer.json()["recipients"] == [{"recipient": "office", "delivered": True, "status": 204, "message": None}]
    [(path, _, body)] = receiver.wait(1)
    assert (json.loads(body)["id"], "token=s3cret" in path) == (answer.json()["reportId"], True)
    receiver.statuses = [500]
    refused = client.post("/certify/publish", headers=issuer.bearer("certify"))
    told = [(one["recipient"], one["delivered"], one["status"]) for one in refused.json()["recipients"]]
    assert (refused.status_code, told) == (502, [("office", False, 500), ("away", False, None)])
    assert "s3cret" not in answer.text + refused.text, "an address may hold a secret"
    nobody = client.post("/certify/publish", json={"recipient": "nobody"}, headers=issuer.bearer("certify"))
    assert nobody.status_code == 422
    asked = {"url": f"http://127.0.0.1:{receiver.server.server_port}/t0ken?key=t0ken"}
    own = client.post("/certify/publish", json=asked, headers=issuer.bearer("certify"))
    assert own.json()["recipients"][0]["recipient"] == f"http://127.0.0.1:{receiver.server.server_port}"
    assert "t0ken" not in own.text
    issuer.close()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://hooks.example.org/T0/s3cret?key=1#x", "https://hooks.example.org"),
        ("https://user:s3cret@hooks.example.org:8443/", "https://hooks.example.org:8443"),
        ("http://[2606:4700::1]:80/s3cret", "http://[2606:4700::1]:80"),
        ("http://[s3cret", "the address asked for"),
        ("http://example.org:s3cret/", "the address asked for"),
        ("s3cret", "the address asked for"),
    ],
)
def test_of_an_address_only_scheme_and_host_are_shown(url, text):
    assert shown(url) == text


# -- subscriptions ----------------------------------------------------------------------------------------------------


def subscribe(client: TestClient, url: str, path: str = "/observe/events/subscriptions", **other: Any) -> Any:
    return client.post(path, json={"url": url, **other})


def test_an_event_comes_signed_as_a_standard_webhook_and_is_a_cloudevent(product, client_of, receiver):
    client = client_of(product)
    made = subscribe(client, receiver.url, types=["observability.*"])
    assert made.status_code == 201, made.text
    measured(client)
    [(path, headers, body)] = receiver.wait(1)
    assert path == "/hook?a=1"
    assert headers["content-type"].startswith("application/cloudevents+json")
    event = Webhook(made.json()["secret"]).verify(body, headers)
    assert event["specversion"] == "1.0"
    assert (event["type"], event["subject"]) == ("observability.results", "urn:dp:precipitation:daily-rain")
    assert event["data"]["status"] == "pass"
    assert headers["webhook-id"] == event["id"]
    other = Webhook("whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=")
    with pytest.raises(Exception, match="signature"):
        other.verify(body, headers)


def test_what_changes_is_told_and_what_is_not_asked_for_is_not(product, client_of, receiver):
    client = client_of(product)
    measured(client)
    subscribe(client, receiver.url, types=["health.*", "certification.failed"])
    break_data(product)
    measured(client)
    types = {json.loads(body)["type"] for _, _, body in receiver.wait(2)}
    assert types == {"health.degraded", "certification.failed"}


def test_a_delivery_is_tried_again_until_it_is_taken(product, client_of):
    receiver = Receiver(500, 302, 204)
    client = client_of(product)
    subscribe(client, receiver.url, types=["observability.results"])
    measured(client)
    got = receiver.wait(3)
    assert len({headers["webhook-id"] for _, headers, _ in got}) == 1, "one event, one id"
    assert {path for path, _, _ in got} == {"/hook?a=1"}, "no redirect is followed"
    receiver.close()


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """The value of a condition once it is true."""
    import threading

    end, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        pause.wait(0.02)
    raise AssertionError("it did not come to that")


def test_what_is_never_taken_is_a_dead_letter_that_the_owner_can_see(product, client_of):
    issuer, receiver = Issuer(), Receiver(500)
    client = client_of(product)
    made = subscribe(client, receiver.url, types=["observability.results"]).json()
    measured(client)
    receiver.wait(3)
    write(product / "gateway.yaml", {**CONFIG, **issuer.trust()})
    owner = issuer.bearer("control")
    letters = until(lambda: client.get("/observe/events/dead-letters", headers=owner).json()["entries"])
    assert [(one["type"], one["attempts"], one["lastError"]) for one in letters] == [
        ("observability.results", 3, "The receiver answered 500.")
    ]
    assert made["id"] not in str(letters), "an id is the right to end the subscription"
    assert client.get("/observe/events/dead-letters").status_code == 401
    receiver.close()
    issuer.close()


def test_a_receiver_that_is_gone_ends_its_subscription(product, client_of):
    receiver = Receiver(410)
    client = client_of(product)
    made = subscribe(client, receiver.url).json()
    measured(client)
    receiver.wait(1)
    path = f"/observe/events/subscriptions/{made['id']}"
    until(lambda: client.get(path).status_code == 404)
    receiver.close()


def test_waiting_deliveries_outlive_the_process(product, client_of, receiver):
    write(product / "gateway.yaml", {**CONFIG, "observe": {"retry_seconds": [3600], "pause_seconds": 0}})
    receiver.statuses = [500, 204]
    client = client_of(product)
    subscribe(client, receiver.url, types=["observability.results"])
    measured(client)
    receiver.wait(1)
    state = State.beside(product)
    until(lambda: any(value["attempts"] == 1 for value in state.items("delivery").values()))
    with client_of(product):  # a start, with its lifespan
        receiver.wait(2)
    until(lambda: not state.items("delivery"))


def test_a_threshold_tells_when_it_is_crossed_and_only_then(product, client_of, receiver):
    client = client_of(product)
    client.get("/certify/report", headers=SOON)
    made = subscribe(client, receiver.url, "/certify/subscriptions", measure="quality", threshold=0.9)
    assert made.status_code == 201, made.text
    break_data(product)
    assert client.get("/certify/report", headers=SOON).json()["quality"] < 0.9
    first = json.loads(receiver.wait(1)[0][2])
    assert (first["type"], first["data"]["crossed"]) == ("certification.threshold", "below")
    (product / "data" / "rain.csv").write_text("station,mm\n" + "".join(f"S{n},{n}\n" for n in range(150)))
    client.get("/certify/report", headers=SOON)
    assert json.loads(receiver.wait(2)[1][2])["data"]["crossed"] == "above"


def test_ended_is_ended(product, client_of, receiver):
    client = client_of(product)
    made = subscribe(client, receiver.url).json()
    path = f"/observe/events/subscriptions/{made['id']}"
    seen = client.get(path).json()
    assert (seen["url"], seen["secret"]) == (receiver.url, None)
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    measured(client)
    assert State.beside(product).items("delivery") == {}
    assert receiver.got == []


def test_there_is_a_most(product, client_of, receiver):
    write(product / "gateway.yaml", {**CONFIG, "observe": {"max_subscriptions": 3}})
    client = client_of(product)
    answers = [subscribe(client, receiver.url) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    assert "most there may be" in answers[-1].json()["detail"]
    assert answers[-1].headers["retry-after"]
    assert client.get("/observe/events/subscriptions").json()["count"] == 3


INSIDE = [
    "http://127.0.0.1/", "http://localhost:8000/", "http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/latest",
    "http://100.64.0.1/", "http://2130706433/", "http://0x7f.1/", "http://[::ffff:127.0.0.1]/", "http://[fe80::1]/",
    "http://[64:ff9b::7f00:1]/", "http://0.0.0.0/", "ftp://example.org/", "file:///etc/passwd", "http://u:p@1.1.1.1/",
    "http:///x", "http://1.1.1.1:99999/", "http://exa mple.org/", "javascript:alert(1)", "", "http://" + "a" * 3000,
    "http://no-such-host.invalid/",
]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_nothing_is_sent_inside_unless_the_owner_allows_it(product, client_of, url: str):
    write(product / "gateway.yaml", {**CONFIG, "deliveries": {"allow_internal": False}})
    client = client_of(product)
    for path in ("/observe/events/subscriptions", "/certify/subscriptions"):
        answer = subscribe(client, url, path)
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/observe/events/subscriptions").json()["count"] == 0


def test_addresses_are_checked_again_at_each_delivery(product, client_of, receiver):
    client = client_of(product)
    subscribe(client, receiver.url, types=["observability.results"])
    write(product / "gateway.yaml", {**CONFIG, "deliveries": {"allow_internal": False}})
    measured(client)
    state = State.beside(product)
    [letter] = until(lambda: state.entries("dead-letter"))
    assert "internal network" in letter.value["lastError"]
    assert receiver.got == []


def test_public_addresses_are_told_from_others():
    assert is_public("93.184.216.34")
    assert is_public("2606:4700:4700::1111")
    assert not any(map(is_public, ("100.64.0.1", "224.0.0.1", "2002:7f00:1::", "64:ff9b::1", "fd00::1", "no address")))
    assert checked("http://93.184.216.34:8080/a?b#c", allow_internal=False).target == "/a?b"
    with pytest.raises(AddressError):
        checked("http://127.0.0.1/", allow_internal=False)


BAD = [
    ({}, 422), ({"url": "http://127.0.0.1/", "secret": "short"}, 422),
    ({"url": "http://127.0.0.1/", "expires": "2001-01-01T00:00:00Z"}, 422), ({"url": "http://127.0.0.1/", "x": 1}, 422),
    ({"url": 7}, 422), ({"url": "http://127.0.0.1/", "types": "all"}, 422), ([], 422),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status"), BAD)
def test_bad_subscriptions_are_refused_with_what_is_wrong(product, client_of, body: Any, status: int):
    answer = client_of(product).post("/observe/events/subscriptions", json=body)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_where_issuers_are_trusted_a_subscriber_shows_a_grant(product, client_of, receiver):
    issuer = Issuer()
    write(product / "gateway.yaml", {**CONFIG, **issuer.trust()})
    client = client_of(product)
    assert subscribe(client, receiver.url).status_code == 401
    body = {"url": receiver.url}
    path = "/observe/events/subscriptions"
    assert client.post(path, json=body, headers=issuer.bearer("consume")).status_code == 403
    assert client.post(path, json=body, headers=issuer.bearer("observe")).status_code == 201
    issuer.close()


def test_pausing_and_resuming_is_told(product, client_of, receiver):
    issuer = Issuer()
    write(product / "gateway.yaml", {**CONFIG, **issuer.trust()})
    client = client_of(product)
    path, owner = "/observe/events/subscriptions", issuer.bearer("control observe")
    body = {"url": receiver.url, "types": ["product.*"]}
    assert client.post(path, json=body, headers=owner).status_code == 201
    for verb in ("pause", "resume", "resume"):
        assert client.post(f"/control/{verb}", json={}, headers=owner).status_code == 200
    assert sorted(json.loads(body)["type"] for _, _, body in receiver.wait(2)) == ["product.paused", "product.resumed"]
    assert len(receiver.got) == 2
    issuer.close()


def test_metrics_count_rules_and_consumers(product, client_of):
    client = client_of(product)
    assert client.get("/observe/metrics").json()["rules"] is None
    measured(client)
    log = client.app.state.context.log
    for consumer in ("ada", "ada", "bob", None):
        log.record(consumer=consumer, artifact="a", action="query", status=200, rows=5)
    metrics = client.get("/observe/metrics").json()
    assert metrics["accesses"] | {"bytes": 0} == {
        "total": 4, "refused": 0, "consumers": 2, "rows": 20, "bytes": 0, "ingested": 0,
        "byArtifact": {"a": 4}, "byAction": {"query": 4},
    }  # fmt: skip
    assert metrics["rules"]["quality"] == 1.0
    text = client.get("/observe/metrics", headers={"Accept": "text/plain"}).text
    assert "gateway_consumers 2" in text
    assert 'gateway_rules{status="pass"}' in text
