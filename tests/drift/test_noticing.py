"""A real gateway whose contract is edited, and what the event log says of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from marketplace.live import cache, services
from marketplace.live.drift import deciding, noticing
from marketplace.live.models import ContractPrint
from marketplace.live.tasks import refresh as refresh_task
from registry.models import Event, Product
from registry.services import LinkData
from tests.live.gateways import CONTRACT as SMALL_CONTRACT
from tests.live.gateways import gateway
from tests.live.hostile import Server, answer

from .conftest import CONTRACT, Folder, columns_of

Ask = Callable[[Product], None]
Drifts = Callable[[Product], list[dict[str, Any]]]

pytestmark = pytest.mark.django_db(transaction=True)


def without_a_column(document: dict[str, Any]) -> None:
    del columns_of(document)[-1]


def bumped(version: str) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        without_a_column(document)
        document["version"] = version

    return edit


def test_the_first_sight_of_a_contract_is_no_event(product: Product, refresh: Ask, drifts: Drifts):
    refresh(product)
    refresh(product)
    assert drifts(product) == []
    row = ContractPrint.objects.get(product=product)
    assert (row.contract, row.version, set(row.prints)) == (CONTRACT, "1.4.0", {"1.4.0"})


def test_an_edit_in_place_is_one_event_that_names_the_change(
    product: Product, folder: Folder, refresh: Ask, drifts: Drifts
):
    refresh(product)
    folder.edit(without_a_column)
    refresh(product)
    refresh(product)
    (found,) = drifts(product)
    assert found == {
        "contract": CONTRACT,
        "version_before": "1.4.0",
        "version_after": "1.4.0",
        "fingerprint_before": found["fingerprint_before"],
        "fingerprint_after": ContractPrint.objects.get(product=product).prints["1.4.0"],
        "known": True,
        "level": "major",
        "counts": {"patch": 0, "minor": 0, "major": 1},
        "changes": [
            {
                "kind": "column.removed", "level": "major", "schema": "us_precipitation_monthly",
                "column": "normal_period",
            }
        ],
        "left_out": 0,
        "suggested": "2.0.0",
        "bump": "none",
        "keeps_changing": False,
        "untold": 0,
    }  # fmt: skip
    assert found["fingerprint_before"] != found["fingerprint_after"]
    event = Event.objects.get(type="contract.drifted")
    assert (event.subject, event.actor) == (product.urn, "")


@pytest.mark.parametrize(
    ("version", "bump"), [("1.4.1", "too_small"), ("2.0.0", "fits"), ("1.0.0", "back"), ("next", "not_semver")]
)
def test_a_new_version_under_another_address_is_compared_with_the_old_one(
    product: Product, folder: Folder, refresh: Ask, drifts: Drifts, version: str, bump: str
):
    refresh(product)
    folder.edit(bumped(version))
    refresh(product)
    (found,) = drifts(product)
    assert (found["version_before"], found["version_after"]) == ("1.4.0", version)
    assert (found["level"], found["known"], found["suggested"], found["bump"]) == ("major", True, "2.0.0", bump)


def test_a_new_version_beside_the_old_one_is_one_event(product: Product, folder: Folder, refresh: Ask, drifts: Drifts):
    refresh(product)
    folder.edit(bumped("2.0.0"), to="monthly-normals-2")
    refresh(product)
    refresh(product)
    folder.file("monthly-normals").unlink()
    refresh(product)
    assert [(found["version_before"], found["version_after"]) for found in drifts(product)] == [("1.4.0", "2.0.0")]


def test_a_version_number_alone_is_larger_than_needed(product: Product, folder: Folder, refresh: Ask, drifts: Drifts):
    refresh(product)
    folder.edit(lambda document: document.update(version="1.5.0"))
    refresh(product)
    (found,) = drifts(product)
    assert (found["level"], found["changes"], found["bump"]) == (None, [], "larger")


def test_other_words_are_a_patch_and_are_not_in_the_log(product: Product, folder: Folder, refresh: Ask, drifts: Drifts):
    secret = "What only the gateway shall ever say"

    def edit(document: dict[str, Any]) -> None:
        document["description"]["purpose"] = secret
        columns_of(document)[0].update(description=secret, businessName=secret)
        columns_of(document)[6]["quality"][0].update(description=secret, name=secret)
        document["servers"][1]["location"] = f"s3://{secret}"
        document["roles"][0]["description"] = secret
        document["customProperties"].append({"property": secret, "value": secret})

    refresh(product)
    folder.edit(edit)
    refresh(product)
    (found,) = drifts(product)
    assert found["counts"]["patch"] >= 4
    assert "server.changed" in [change["kind"] for change in found["changes"]]
    assert secret not in json.dumps(found)
    assert "Number of the station" not in json.dumps(found), "nor what was said before"
    row = json.dumps(list(ContractPrint.objects.filter(product=product).values()), default=str)
    assert secret not in row


def test_where_redis_lost_the_contract_it_is_said_that_details_are_not_known(
    product: Product, folder: Folder, refresh: Ask, drifts: Drifts, fresh_redis: redis.Redis
):
    refresh(product)
    folder.edit(without_a_column)
    fresh_redis.flushdb()
    refresh(product)
    (found,) = drifts(product)
    assert (found["known"], found["level"], found["changes"], found["bump"]) == (False, None, [], "none")
    assert found["suggested"] is None


def test_where_redis_lost_it_and_nothing_changed_there_is_no_event(
    product: Product, refresh: Ask, drifts: Drifts, fresh_redis: redis.Redis
):
    refresh(product)
    fresh_redis.flushdb()
    refresh(product)
    assert drifts(product) == []


def test_the_live_cache_may_forget_the_product_and_details_stay_known(
    product: Product, folder: Folder, refresh: Ask, drifts: Drifts
):
    """As it does when links change, and after a day."""
    refresh(product)
    cache.forget(services.subject_of(product.pk))
    folder.edit(without_a_column)
    refresh(product)
    assert [found["level"] for found in drifts(product)] == ["major"]


def test_a_worker_that_is_stopped_after_it_showed_the_contract_leaves_the_noticing_to_the_next(
    product: Product, folder: Folder, refresh: Ask, drifts: Drifts, monkeypatch: pytest.MonkeyPatch
):
    refresh(product)
    folder.edit(without_a_column)
    with monkeypatch.context() as stopped:
        stopped.setattr("marketplace.live.drift.watching.finish", lambda watches: None)
        refresh(product)
    assert drifts(product) == []
    refresh(product)
    assert [found["level"] for found in drifts(product)] == ["major"]


def test_many_workers_at_once_write_one_event(product: Product, folder: Folder, refresh: Ask, drifts: Drifts):
    refresh(product)
    folder.edit(without_a_column)
    together = threading.Barrier(6)

    def work() -> None:
        together.wait()
        services.refresh_product(product.pk)
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    refresh(product)
    assert len(drifts(product)) == 1


def test_many_workers_at_the_first_sight_write_none(product: Product, drifts: Drifts):
    together = threading.Barrier(6)

    def work() -> None:
        together.wait()
        services.refresh_product(product.pk)
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert drifts(product) == []
    assert ContractPrint.objects.filter(product=product).count() == 1


def test_a_real_worker_notices(
    celery_worker: Any, product: Product, folder: Folder, drifts: Drifts, wait_for: Callable[..., Any]
):
    refresh_task.delay(product.pk)
    wait_for(lambda: ContractPrint.objects.filter(product=product).exists(), 20)
    folder.edit(bumped("2.0.0"))
    refresh_task.delay(product.pk)
    (found,) = wait_for(lambda: drifts(product), 20)
    assert (found["version_after"], found["bump"]) == ("2.0.0", "fits")


def test_a_product_that_did_not_change_costs_no_query_more(product: Product, refresh: Ask):
    refresh(product)
    with CaptureQueriesContext(connection) as queries:
        refresh(product)
    assert [query for query in queries if "contractprint" in query["sql"]] == []


def test_a_gateway_that_flaps_between_two_replicas_is_told_of_a_few_times_only(
    server: Server, setup_product: Callable[..., Product], refresh: Ask, drifts: Drifts
):
    other = {**SMALL_CONTRACT, "schema": [{"name": "rain", "properties": [{"name": "mm", "logicalType": "number"}]}]}
    product = setup_product(links=[LinkData("discovery", gateway(server))])
    for number in range(20):
        server.route("/discover/contracts/c-rain", answer([SMALL_CONTRACT, other][number % 2]))
        refresh(product)
    found = drifts(product)
    assert [event["keeps_changing"] for event in found] == [False] * deciding.TOLD_A_DAY + [True]
    assert ContractPrint.objects.get(product=product).untold == 19 - len(found)


def test_an_older_answer_that_comes_late_is_no_change(product: Product, folder: Folder, refresh: Ask, drifts: Drifts):
    refresh(product)
    old = services.look(product.pk, ask=False).contracts[0].view
    late = time.time()
    folder.edit(without_a_column)
    refresh(product)
    noticing.notice([noticing.Offer(product.pk, [old], asked_at=late)])
    assert len(drifts(product)) == 1


def test_a_contract_that_does_not_answer_is_no_change(
    server: Server, setup_product: Callable[..., Product], refresh: Ask, drifts: Drifts
):
    product = setup_product(links=[LinkData("discovery", gateway(server))])
    refresh(product)
    server.route("/discover/contracts/c-rain", answer(b"", status=500))
    refresh(product)
    server.route("/discover/contracts/c-rain", answer(SMALL_CONTRACT))
    refresh(product)
    assert drifts(product) == []


def test_another_reading_of_the_same_document_is_no_change(
    product: Product, folder: Folder, refresh: Ask, drifts: Drifts, monkeypatch: pytest.MonkeyPatch
):
    """After an upgrade of the marketplace that reads more of a contract, not every contract drifts."""
    refresh(product)
    ContractPrint.objects.update(generation="older", prints={"1.4.0": "other"})
    cache.forget(services.subject_of(product.pk))
    refresh(product)
    assert drifts(product) == []
    folder.edit(without_a_column)
    refresh(product)
    assert len(drifts(product)) == 1


def test_ids_that_change_all_the_time_do_not_fill_the_database(
    product: Product, monkeypatch: pytest.MonkeyPatch, drifts: Drifts
):
    from marketplace.live.view import ContractView

    monkeypatch.setattr(noticing, "MAX_CONTRACTS", 5)
    for number in range(12):
        offered = [ContractView("ODCS", id=f"c-{number}", version="1.0.0")]
        noticing.notice([noticing.Offer(product.pk, offered, asked_at=float(number))])
    assert ContractPrint.objects.filter(product=product).count() == 5
    assert drifts(product) == []


def test_a_product_that_is_gone_is_no_fault(
    product: Product, folder: Folder, refresh: Ask, setup_product: Callable[..., Product]
):
    refresh(product)
    old = services.look(product.pk, ask=False).contracts[0].view
    number = product.pk
    product.delete()
    other = setup_product("another")
    noticing.notice([noticing.Offer(one, [old], asked_at=time.time()) for one in (number, other.pk)])
    assert [row.product_id for row in ContractPrint.objects.all()] == [other.pk]
    services.refresh_product(number)


def test_without_postgresql_the_contract_is_shown_and_noticed_later(
    product: Product, folder: Folder, refresh: Ask, drifts: Drifts
):
    refresh(product)
    folder.edit(without_a_column)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE live_contractprint RENAME TO away")
    try:
        refresh(product)
        assert len(services.look(product.pk, ask=False).contracts[0].view.schemas[0].columns) == 7
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO live_contractprint")
    refresh(product)
    assert len(drifts(product)) == 1
