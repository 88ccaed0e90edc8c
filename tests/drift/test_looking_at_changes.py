"""The page and the API that compare two versions, and what the product page says of a change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.test import Client
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.live.drift.changes import STORED_NAME
from registry import services as registry
from registry.models import Event, Product
from registry.services import LinkData
from tests.live.gateways import ARTIFACTS, CONTRACT, INDEX, gateway
from tests.live.hostile import Server, answer, hang

from .conftest import CONTRACT as RAIN
from .conftest import OLDER, SOURCE, Folder, columns_of
from .test_noticing import bumped, without_a_column

Ask = Callable[[Product], None]
SetupProduct = Callable[..., Product]

pytestmark = pytest.mark.django_db(transaction=True)


def page(client: Client, product: Product, **query: str) -> str:
    found = client.get(f"{product.get_absolute_url()}contract-changes/", query)
    assert found.status_code == 200
    return found.content.decode()


def api(client: Client, product: Product, contract: str = RAIN, **query: str) -> Any:
    base = f"/api/v1/products/{product.domain.slug}/{product.name}/contracts"
    return client.get(f"{base}/{contract}/changes", query)


@pytest.fixture
def two_versions(product: Product, folder: Folder, refresh: Ask) -> Product:
    """Offers 1.4.0, and 1.5.0 with a column less and other words."""

    def edit(document: dict[str, Any]) -> None:
        bumped("1.5.0")(document)
        columns_of(document)[0]["description"] = "Other words."

    folder.edit(edit, to="newer")
    refresh(product)
    return product


def test_two_versions_that_the_gateway_offers_are_compared_side_by_side(client: Client, two_versions: Product):
    shown = page(client, two_versions)
    assert "<h2" in shown
    assert "1.4.0 to 1.5.0" in shown
    assert "1 breaking change, 1 change of words" in shown
    assert "normal_period" in shown
    assert "Number of the station in the Global Historical Climatology Network." in shown, "before"
    assert "Other words." in shown, "after"
    assert '<span class="mono">−</span>&nbsp;removed' in shown, "said by sign and by word"
    assert '<span class="mono">2.0.0</span>' in shown
    assert "too small" in shown
    other_way = page(client, two_versions, **{"from": "1.5.0", "to": "1.4.0"})
    assert "1.5.0 to 1.4.0" in other_way
    assert "lower than before" in other_way
    assert '<span class="mono">+</span>&nbsp;added' in other_way


def test_only_what_breaks(client: Client, two_versions: Product):
    shown = page(client, two_versions, only="breaking")
    assert "normal_period" in shown
    assert "Other words." not in shown
    assert "1 change that breaks nothing is left out." in shown
    assert "checked" in shown


def test_the_same_for_programs(client: Client, two_versions: Product):
    found = api(client, two_versions).json()
    assert (found["contract"], found["versions"]) == (RAIN, ["1.5.0", "1.4.0"])
    assert (found["before"]["version"], found["after"]["version"]) == ("1.4.0", "1.5.0")
    assert (found["level"], found["suggested_version"], found["bump"]) == ("major", "2.0.0", "too_small")
    assert found["counts"] == {"major": 1, "minor": 0, "patch": 1}
    assert [(c["kind"], c["level"], c["schema"], c["column"]) for c in found["changes"]] == [
        ("column.removed", "major", "us_precipitation_monthly", "normal_period"),
        ("description", "patch", "us_precipitation_monthly", "station_id"),
    ]
    assert found["changes"][1]["after"] == "Other words."
    assert (found["left_out"], found["waiting"], found["poll_after_ms"]) == (0, False, None)
    only = api(client, two_versions, breaking="true", **{"from": "1.4.0", "to": "1.5.0"}).json()
    assert [change["kind"] for change in only["changes"]] == ["column.removed"]
    assert only["counts"] == found["counts"]


@pytest.mark.parametrize(
    ("contract", "query"),
    [("other", {}), (RAIN, {"from": "9.9.9"}), (RAIN, {"to": "last-seen"}), ("a/b/../c", {}), ("%00", {})],
)
def test_what_is_not_there_is_said(client: Client, two_versions: Product, contract: str, query: dict[str, str]):
    found = api(client, two_versions, contract, **query)
    assert (found.status_code, found.headers["Content-Type"]) == (404, "application/problem+json")
    assert "now" in found.json()["detail"]


def test_a_version_in_the_address_that_is_not_there_is_not_found(client: Client, two_versions: Product):
    found = client.get(f"{two_versions.get_absolute_url()}contract-changes/", {"from": "9.9.9"})
    assert found.status_code == 404


def test_a_contract_that_left_leads_to_those_that_are_there(client: Client, two_versions: Product):
    shown = page(client, two_versions, contract="gone", **{"from": "1", "to": "2"})
    assert "is not offered now" in shown
    assert "1.4.0 to 1.5.0" in shown


def test_what_was_there_until_now_is_compared_with_what_is_there(
    client: Client, product: Product, folder: Folder, refresh: Ask
):
    refresh(product)
    assert "one version to look at so far" in page(client, product)
    assert api(client, product).json()["before"] is None
    folder.edit(without_a_column)
    refresh(product)
    shown = page(client, product)
    assert "as it was until now" in shown or "s ago" in shown
    assert "The version was not raised." in shown
    found = api(client, product).json()
    assert found["versions"] == ["1.4.0", "last-seen"]
    assert (found["before"]["token"], found["bump"], found["level"]) == ("last-seen", "none", "major")


def test_what_a_draft_said_before_is_not_shown_once_it_is_published(
    client: Client, product: Product, folder: Folder, refresh: Ask
):
    refresh(product)
    folder.edit(without_a_column)
    refresh(product)
    Product.objects.filter(pk=product.pk).update(published_at=timezone.now())
    assert api(client, product).json()["versions"] == ["1.4.0"]


def test_what_redis_lost_is_gone_from_the_page_too(
    client: Client, product: Product, folder: Folder, refresh: Ask, fresh_redis: redis.Redis
):
    refresh(product)
    folder.edit(without_a_column)
    refresh(product)
    fresh_redis.flushdb()
    refresh(product)
    assert "one version to look at so far" in page(client, product)
    notice = client.get(product.get_absolute_url()).content.decode()
    assert "1 breaking change, 2.0.0 would fit" in notice, "the event log still knows"


def test_the_page_is_linked_from_the_contract_and_from_its_page(client: Client, two_versions: Product):
    address = f"{two_versions.get_absolute_url()}contract-changes/?contract={RAIN}"
    section = client.get(f"{two_versions.get_absolute_url()}live/contract/", headers={"HX-Request": "true"})
    assert address in section.content.decode()
    contract = section.content.decode().split(f"{two_versions.get_absolute_url()}contracts/")[1].split("/")[0]
    whole = client.get(f"{two_versions.get_absolute_url()}contracts/{contract}/").content.decode()
    assert address in whole


def test_the_product_page_and_its_history_say_that_a_contract_changed(
    client: Client, product: Product, folder: Folder, refresh: Ask
):
    refresh(product)
    assert "A contract changed" not in client.get(product.get_absolute_url()).content.decode()
    folder.edit(without_a_column)
    refresh(product)
    shown = client.get(product.get_absolute_url()).content.decode()
    assert "A contract changed today." in shown
    assert f"{RAIN} 1.4.0: 1 breaking change, 2.0.0 would fit." in shown
    assert f"contract-changes/?contract={RAIN}" in shown
    history = client.get(f"{product.get_absolute_url()}live/history/", headers={"HX-Request": "true"})
    assert "Contract changed" in history.content.decode()
    assert "1 breaking change" in history.content.decode()


def drifted(product: Product, days: int = 0, **data: Any) -> None:
    Event.objects.create(
        type="contract.drifted", subject=product.urn, time=timezone.now() - timedelta(days=days), data=data
    )


@pytest.mark.parametrize(
    ("days", "data", "said"),
    [
        (3, {"level": "major", "known": True, "counts": {"major": 2}}, "A contract changed 3 days ago."),
        (1, {"level": None, "known": False}, "A contract changed yesterday."),
        (31, {"level": "major", "known": True}, None),
        (0, {"level": "minor", "known": True, "counts": {"minor": 1}}, None),
        (0, {"level": "patch", "known": True, "counts": {"patch": 1}}, None),
        (0, {}, None),
        (0, {"level": "major", "counts": None, "contract": 7, "version_before": [1], "bump": {}}, "changed today"),
    ],
)
def test_the_notice_speaks_of_what_breaks_and_not_for_ever(
    client: Client, setup_product: SetupProduct, days: int, data: dict[str, Any], said: str | None
):
    product = setup_product()
    drifted(product, days, **data)
    shown = client.get(product.get_absolute_url()).content.decode()
    assert (said in shown) if said else ("A contract changed" not in shown)


def test_who_may_look(
    two_versions: Product,
    sign_in: Callable[[User | None], Client],
    producer: User,
    teammate: User,
    outsider: User,
    consumer: User,
    steward: User,
    admin: User,
):
    """A listed product is everybody's; a retired one, or a draft, is its team's and the administrators'."""
    everybody = {None: 200, outsider: 200, consumer: 200, steward: 200, producer: 200, teammate: 200, admin: 200}
    insiders = everybody | dict.fromkeys([None, outsider, consumer, steward], 404)
    for expected in (everybody, insiders):
        for person, status in expected.items():
            client = sign_in(person)
            address = f"{two_versions.get_absolute_url()}contract-changes/"
            found = (client.get(address).status_code, api(client, two_versions).status_code)
            assert found == (status, status), person
        if expected is everybody:
            registry.deprecate(producer, two_versions)
            registry.retire(producer, two_versions)


def test_nobody_writes_through_it(client: Client, two_versions: Product, sign_in: Callable[..., Client], admin: User):
    for visitor, refused in ((client, 403), (sign_in(admin), 405)):
        base = f"/api/v1/products/{two_versions.domain.slug}/{two_versions.name}/contracts/{RAIN}/changes"
        assert visitor.post(base).status_code in (refused, 405)
        assert visitor.post(f"{two_versions.get_absolute_url()}contract-changes/").status_code == 405


def test_while_the_product_has_not_answered_the_page_asks_again(
    client: Client, server: Server, setup_product: SetupProduct, celery_worker: Any, wait_for: Callable[..., Any]
):
    url = gateway(server, index=answer(INDEX, delay=0.6))
    product = setup_product(links=[LinkData("discovery", url)])
    first = page(client, product, contract="c-rain", only="breaking")
    assert "Asking for the contracts" in first
    assert "?contract=c-rain&amp;only=breaking&amp;n=1" in first
    found = api(client, product, "c-rain").json()
    assert (found["waiting"], found["before"], found["poll_after_ms"]) == (True, None, 250)
    address = f"{product.get_absolute_url()}contract-changes/"
    settled = wait_for(
        lambda: (
            (text := client.get(address, {"n": "1"}, headers={"HX-Request": "true"}).content.decode())
            and "one version to look at" in text
            and text
        )
    )
    assert "<html" not in settled


def test_a_product_without_contracts_says_so(client: Client, server: Server, setup_product: SetupProduct, refresh: Ask):
    index = {**INDEX, "links": [link for link in INDEX["links"] if link["rel"] != "contract"]}
    product = setup_product(links=[LinkData("discovery", gateway(server, index=answer(index)))])
    refresh(product)
    assert "shows no contract now" in page(client, product)
    assert api(client, product, "c-rain").status_code == 404


def test_a_product_that_hangs_does_not_hold_the_page(
    client: Client, server: Server, setup_product: SetupProduct, refresh: Ask
):
    product = setup_product(links=[LinkData("discovery", gateway(server, contract=hang))])
    refresh(product)
    assert "shows no contract now" in page(client, product)


def test_without_redis_it_is_said(client: Client, setup_product: SetupProduct, settings: Any):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    product = setup_product(links=[LinkData("discovery", "http://127.0.0.1:1/discover")])
    assert api(client, product).status_code == 503
    assert "not available right now" in page(client, product)


def test_an_artifact_that_says_its_columns_itself_drifts_without_a_contract(
    client: Client, server: Server, setup_product: SetupProduct, refresh: Ask
):
    def package(*names: str) -> Any:
        fields = [{"name": name, "type": "string"} for name in names]
        resource = {"name": "rain", "path": "rain.csv", "schema": {"fields": fields}}
        return answer({"name": "rain", "profile": "tabular-data-package", "resources": [resource]})

    server.route("/datapackage.json", package("station", "mm"))
    product = setup_product(links=[LinkData("discovery", server.url("/datapackage.json"))])
    refresh(product)
    server.route("/datapackage.json", package("station"))
    refresh(product)
    event = Event.objects.get(type="contract.drifted")
    assert event.data["contract"].startswith("artifact:")
    assert [(change["kind"], change["column"]) for change in event.data["changes"]] == [("column.removed", "mm")]
    assert "1 breaking change" in page(client, product)


def test_a_contract_of_the_data_contract_specification_drifts_too(
    client: Client, server: Server, setup_product: SetupProduct, refresh: Ask
):
    def contract(version: str, policies: list[dict[str, str]], **fields: Any) -> Any:
        return answer(
            {
                "dataContractSpecification": "1.2.1",
                "id": "rain",
                "info": {"title": "Rain", "version": version},
                "terms": {"policies": policies},
                "models": {"rain": {"type": "table", "fields": fields}},
            }
        )

    server.route("/rain.json", contract("1.0.0", [], mm={"type": "decimal"}))
    product = setup_product(links=[LinkData("discovery", server.url("/rain.json"))])
    refresh(product)
    policies = [{"name": "Fair use"}]
    server.route("/rain.json", contract("1.1.0", policies, mm={"type": "decimal", "required": True}))
    refresh(product)
    found = [event.data for event in Event.objects.filter(type="contract.drifted").order_by("id")]
    told = next(data for data in found if data["contract"] == "rain")
    assert [change["kind"] for change in told["changes"]] == ["required", "policy"]
    assert (told["bump"], told["suggested"]) == ("too_small", "2.0.0")


HOSTILE = "<script>alert(1)</script>"


def test_hostile_names_are_text_on_the_page_and_short_in_the_log(
    client: Client, server: Server, setup_product: SetupProduct, refresh: Ask
):
    def contract(name: str) -> Any:
        columns = [{"name": name, "logicalType": HOSTILE, "description": HOSTILE}]
        table = {"name": HOSTILE, "properties": columns}
        return answer({**CONTRACT, "id": f"{HOSTILE}\u0000\ud800", "version": f"1 {HOSTILE}", "schema": [table]})

    product = setup_product(links=[LinkData("discovery", gateway(server, contract=contract("a")))])
    refresh(product)
    server.route("/discover/contracts/c-rain", contract(f"{HOSTILE}\u0000\ud800{'x' * 5000}"))
    refresh(product)
    event = Event.objects.get(type="contract.drifted")
    assert all(len(value) <= STORED_NAME for change in event.data["changes"] for value in change.values())
    for shown in (page(client, product), client.get(product.get_absolute_url()).content.decode()):
        assert HOSTILE not in shown
        assert "&lt;script&gt;" in shown


def test_artifacts_that_change_all_the_time_cost_no_event(server: Server, setup_product: SetupProduct, refresh: Ask):
    product = setup_product(links=[LinkData("discovery", gateway(server))])
    for number in range(3):
        artifact = {**ARTIFACTS["artifacts"][0], "updated": f"2026-11-21T15:0{number}:00Z"}
        server.route("/discover/artifacts", answer({"artifacts": [artifact]}))
        refresh(product)
    assert not Event.objects.filter(type="contract.drifted").exists()


def test_the_demo_has_two_versions_to_compare(client: Client, product: Product, folder: Folder, refresh: Ask):
    """The older one is a file of its own in the demo; the newest is shown first."""
    shutil.copy(SOURCE / "contracts" / OLDER, folder.path / "contracts")
    refresh(product)
    shown = page(client, product)
    assert "1.3.0 to 1.4.0" in shown
    assert "looks renamed" in shown
    assert "too small" in shown
    section = client.get(f"{product.get_absolute_url()}live/contract/", headers={"HX-Request": "true"})
    versions = section.content.decode()
    assert versions.index("Version 1.4.0") < versions.index("Version 1.3.0")
