"""Whatever a product does, its pages stay up, say why, cost little, leak nothing, and nobody calls where none may."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client

from marketplace.live import services as live
from registry.models import Product
from registry.services import LinkData
from tests.live.gateways import INDEX, gateway
from tests.live.hostile import Handler, answer

from .conftest import Worker
from .modes import MODES, House, Mode
from .window import Wait, Window, look_at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hostile")]

PEAK_MB = 200  # above a worker that has read one honest product
PAGE_BYTES = 3_000_000
INTERFACES = ("metadata", "artifacts", "contract", "sample", "health", "metrics")

Refreshed = Callable[[str], Product]


@pytest.fixture
def refreshed(setup_product: Callable[..., Product], worker: Worker, client: Client, wait_for: Wait) -> Refreshed:
    """Publishes a product with this discovery link, has it looked at, and waits until the worker has done."""

    def run(discovery: str) -> Product:
        product = setup_product(f"rain-{Product.objects.count()}", links=[LinkData("discovery", discovery)])
        client.get(product.get_absolute_url())
        wait_for(lambda: not live.look(product.pk, ask=True).waiting, 60)
        wait_for(lambda: not live.look_artifact(product.pk, "rain").waiting, 60)
        return product

    return run


@pytest.fixture
def measured(worker: Worker, refreshed: Refreshed, new_house: Callable[[], House]) -> Callable[[], float]:
    """Begins a measurement, after the worker has once read an honest product; gives the MB it grew by at most."""
    refreshed(gateway(new_house().server))
    before = worker.resident
    worker.forget_peak()
    return lambda: worker.peak - before


def attacked(house: House, mode: Mode) -> str:
    """The product's address, at which the mode is played."""
    played = mode.attack(house)
    return played if isinstance(played, str) else house.server.route("/discover", played)


def shown(window: Window, mode: Mode) -> None:
    """The pages and the API say what the table says."""
    index = window.api["index"]
    if mode.kind is None:
        assert index["state"] in ("live", "slow"), index["problem"]
    else:
        assert index["state"] == "down"
        assert index["problem"]["kind"] == mode.kind, index["problem"]
        assert mode.says in index["problem"]["message"]
        assert len(index["problem"]["advice"]) > 15
        assert index["problem"]["message"] in window.text
    assert mode.says in window.text or mode.says in json.dumps(window.api, ensure_ascii=False)
    assert "internal" not in {part["problem"]["kind"] for part in window.parts if part["problem"]}
    assert max(window.sizes.values()) < PAGE_BYTES


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_at_the_address_of_the_product(
    mode: Mode,
    client: Client,
    refreshed: Refreshed,
    measured: Callable[[], float],
    new_house: Callable[[], House],
    wait_for: Wait,
) -> None:
    house = new_house()
    house.canary.routes["/secret"] = answer("the canary's secret")
    window = look_at(refreshed(attacked(house, mode)), client, wait_for)
    assert house.canary.connections == 0
    shown(window, mode)
    grown = measured()
    print(f"{mode}: the worker grew by {grown:.0f} MB at most")  # pytest -rP shows it
    assert grown < PEAK_MB


@pytest.mark.parametrize("mode", [mode for mode in MODES if not mode.alone], ids=str)
def test_behind_an_honest_index(
    mode: Mode,
    client: Client,
    refreshed: Refreshed,
    measured: Callable[[], float],
    new_house: Callable[[], House],
    wait_for: Wait,
) -> None:
    house = new_house()
    played = mode.attack(house)
    if isinstance(played, str):
        product = refreshed(_index_to(house, played))
    else:
        product = refreshed(gateway(house.server, **dict[str, Handler].fromkeys(INTERFACES, played)))
    window = look_at(product, client, wait_for)
    assert house.canary.connections == 0
    assert window.api["index"]["state"] in ("live", "slow")
    problems = [part["problem"] for part in window.parts if part["problem"]]
    if mode.kind is not None:
        # What fails at the host too often lets it rest for a while, which the later interfaces say; and a machine that
        # is busy with other tests may have no time for all of them.
        kinds = {problem["kind"] for problem in problems}
        assert mode.kind in kinds
        assert kinds <= {mode.kind, "resting", "slow"}
        assert any(mode.says in problem["message"] for problem in problems)
    assert "internal" not in {problem["kind"] for problem in problems}
    assert max(window.sizes.values()) < PAGE_BYTES
    grown = measured()
    print(f"{mode}: the worker grew by {grown:.0f} MB at most")  # pytest -rP shows it
    assert grown < PEAK_MB


def _index_to(house: House, address: str) -> str:
    """An honest index whose interfaces are all at this address."""
    rels = ("metadata", "artifacts", "contract", "health", "metrics")
    return house.server.route("/index", answer({**INDEX, "links": [{"rel": rel, "href": address} for rel in rels]}))
