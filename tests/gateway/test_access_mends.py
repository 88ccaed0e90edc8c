"""Who may see what: samples, settings that go missing, tokens that say odd things, paths that lead astray."""

import base64
import json

import pytest

from gateway import grants
from gateway.documents import DocumentError

from .conftest import RAIN, write
from .house import House
from .issuer import Issuer


@pytest.fixture
def issuer():
    grants.KEYS.forget()
    made = Issuer()
    yield made
    made.close()


def sample_of(house, headers=None):
    return house.client.get(f"/discover/artifact/{house.ids['rain']}/sample", headers=headers)


def test_a_sample_of_what_is_not_open_needs_a_grant_for_it_and_is_in_the_access_log(folder, client_of, issuer):
    house = House(folder, client_of, issuer.trust())
    refused = sample_of(house)
    assert (refused.status_code, "Bearer" in refused.headers["www-authenticate"]) == (401, True)
    assert sample_of(house, issuer.bearer("observe")).status_code == 403
    assert sample_of(house, issuer.bearer(f"consume:{house.ids['how-to']}")).status_code == 403
    for scope in ("consume", f"consume:{house.ids['rain']}"):
        given = sample_of(house, issuer.bearer(scope))
        assert (given.status_code, given.headers["cache-control"]) == (200, "private, max-age=60")
    logged = [(entry["action"], entry["consumer"], entry["status"], entry["rows"]) for entry in house.log()]
    assert logged[:2] == [("sample", "ada", 200, 100)] * 2
    assert logged[2:] == [("sample", "ada", 403, None)] * 2  # who had no token is counted, and no more
    assert house.client.get("/observe/metrics").json()["accesses"]["refused"] == 3


def test_the_role_of_a_token_counts_on_an_open_artifact_only_with_its_scope(folder, client_of, issuer):
    roles = {"default": {"mask": {"station": "drop"}}, "analyst": {}}
    house = House(folder, client_of, {**issuer.trust(), "artifacts": {"rain": {"access": "open", "roles": roles}}})
    assert sample_of(house).json()["columns"] == ["mm"]
    assert sample_of(house, issuer.bearer("observe", role="analyst")).json()["columns"] == ["mm"]
    assert sample_of(house, issuer.bearer("consume", role="analyst")).json()["columns"] == ["station", "mm"]


@pytest.mark.parametrize("end", ["empty", "gone"])
def test_settings_that_are_gone_leave_the_last_good_ones_in_force(folder, client_of, issuer, end):
    house = House(folder, client_of, {**issuer.trust(), "artifacts": {"rain": {"roles": {"default": {"deny": True}}}}})
    file = folder / "gateway.yaml"
    file.write_text("") if end == "empty" else file.unlink()
    assert sample_of(house, issuer.bearer()).status_code == 403
    assert "settings are gone" in house.client.get("/observe/health").text
    write(file, {**issuer.trust(), "artifacts": {"rain": {"access": "open"}}})
    assert sample_of(house).status_code == 200


@pytest.mark.parametrize("own", [{"access": "on request"}, {"roles": {"default": {"deny": True}}}])
def test_rules_for_an_artifact_that_is_not_there_are_refused(folder, client_of, own):
    write(folder / "gateway.yaml", {"artifacts": {"rian": own}})
    with pytest.raises(DocumentError) as error:
        client_of(folder)
    assert "rian" in error.value.problems[0]


def test_columns_of_the_same_name_are_not_given_out_under_rules(folder, client_of):
    (folder / "data" / "rain.csv").write_text("station,Station,mm\nS1,S2,1\n")
    rules = {"default": {"mask": {"station": "redact"}}}
    house = House(folder, client_of, {"artifacts": {"rain": {"access": "open", "roles": rules}}})
    for answer in (sample_of(house), house.client.get(house.rain)):
        assert (answer.status_code, "S2" in answer.text, "same name" in answer.text) == (503, False, True)


def test_the_result_of_an_order_is_for_what_its_role_sees_now(folder, client_of, issuer):
    roles = {"default": {}, "guest": {"mask": {"station": "drop"}}}
    config = {**issuer.trust(), "artifacts": {"rain": {"roles": roles}}}
    house = House(folder, client_of, config)
    order = house.client.post(f"{house.rain}/orders", json={"format": "csv"}, headers=issuer.bearer()).json()
    address = f"{house.rain}/orders/{order['id']}/result"
    refused = house.client.get(address, headers=issuer.bearer(role="guest"))
    assert (refused.status_code, "changed" in refused.json()["detail"]) == (403, True)
    assert house.client.get(address, headers=issuer.bearer()).status_code in (200, 409)


@pytest.mark.parametrize(
    "claims",
    [{"role": "a\nb"}, {"agreement": "x" * 201}, {"sub": "\ud800"}, {"product": "urn:dp:other:thing"}, {"product": 1}],
)
def test_odd_claims_are_refused(folder, client_of, issuer, claims):
    house = House(folder, client_of, issuer.trust())
    assert sample_of(house, issuer.bearer(**claims)).status_code == 401
    assert sample_of(house, issuer.bearer(product="urn:dp:precipitation:daily-rain")).status_code == 200


@pytest.mark.parametrize("header", [{"alg": ["EdDSA"], "kid": "one"}, {"alg": "EdDSA", "kid": {"a": 1}}, {"alg": {}}])
def test_odd_headers_of_tokens_are_refused(folder, client_of, issuer, header):
    house = House(folder, client_of, issuer.trust())
    written = [json.dumps(part).encode() for part in (header, {"iss": "x"})]
    parts = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in written]
    answer = sample_of(house, {"Authorization": f"Bearer {'.'.join([*parts, 'AAAA'])}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["gateway.yaml", ".gateway/state.db", "product.odps.yaml", "contracts/rain.odcs.yaml"])
def test_the_gateways_own_files_are_no_data(folder, client_of, path):
    server = {"server": "local", "type": "local", "path": path, "format": "text"}
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "servers": [server]})
    house = House(folder, client_of, {"artifacts": {"rain": {"access": "open"}}})
    assert (sample_of(house).status_code, house.client.get(house.rain).status_code) == (404, 404)
