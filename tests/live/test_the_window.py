"""Each part of a product has one clear state, whatever the product does; no failure loses what was seen."""

import time

import pytest

from marketplace.live import cache, services, state
from marketplace.live.errors import Problem
from marketplace.live.explore import Target
from marketplace.live.record import Seen
from marketplace.live.view import ArtifactsView, ContractView, HealthView, ProductView

from . import hostile
from .gateways import ARTIFACTS, CONTRACT, INDEX, ODPS, gateway
from .hostile import answer

PRODUCT = 7


def target(discovery: str | None = None, **links: str) -> Target:
    given = ([("discovery", discovery)] if discovery else []) + list(links.items())
    return Target(PRODUCT, "urn:dp:precipitation:daily-rain", tuple(given))


def look() -> state.LiveProduct:
    return services.look(PRODUCT, ask=False)


def states() -> dict[str, str]:
    return {part.name.partition(":")[0]: part.state for part in look().parts}


def age(seconds: float) -> None:
    """Lets everything in the cache become older."""
    subject = services.subject_of(PRODUCT)
    record = cache.read(subject)
    for part, seen in record.seen.items():
        older = Seen(seen.at - seconds, seen.latency_ms, seen.url, seen.etag, seen.fresh_until - seconds, seen.view)
        cache.write_seen(subject, part, older)


def test_a_gateway_answers_in_all_parts(server):
    services.refresh(target(gateway(server)))
    live = look()
    assert {part.state for part in live.parts} == {"live"}
    assert not live.waiting
    assert isinstance(live.metadata.view, ProductView)
    assert live.metadata.view.team is not None
    assert isinstance(live.artifacts.view, ArtifactsView)
    assert isinstance(live.contracts[0].view, ContractView)
    assert live.health.view == HealthView(status="pass")
    assert live.metrics.view.value("requests.total") == "3"
    assert live.metadata.url == server.url("/discover/metadata")
    assert live.metadata.age_seconds == 0
    assert live.metadata.latency_ms is not None
    artifact = live.artifact("rain")
    assert artifact is not None
    contract = live.contract_of(artifact)
    assert contract is not None
    assert contract.view.id == "c-rain"
    assert live.contracts[0].view.schemas[0].columns[0].name == "station"


def test_interfaces_are_asked_at_once_and_not_in_a_row(server):
    slow = {
        "metadata": answer(ODPS, delay=0.5),
        "artifacts": answer(ARTIFACTS, delay=0.5),
        "contract": answer(CONTRACT, delay=0.5),
    }
    url = gateway(server, health=answer({"status": "pass"}, delay=0.5), **slow)
    started = time.perf_counter()
    services.refresh(target(url))
    assert time.perf_counter() - started < 1.5
    assert server.most_at_once >= 4


def test_a_part_is_there_while_the_others_are_still_asked(server, wait_for):
    import threading

    url = gateway(server, metadata=hostile.hang)
    worker = threading.Thread(target=services.refresh, args=(target(url),))
    worker.start()
    wait_for(lambda: look().health.view, 2)
    assert look().metadata.view is None
    worker.join()
    assert look().metadata.state == "down"


def test_one_bad_part_leaves_the_others_alone(server):
    url = gateway(
        server,
        metadata=answer("<html><body>Sign in</body></html>", content_type="text/html"),
        contract=answer(b"[" * 5000 + b"]" * 5000),
        metrics=hostile.reset,
        artifacts=answer({"artifacts": [7, {"name": None}, {"name": "good"}]}),
    )
    services.refresh(target(url))
    live = look()
    assert (live.metadata.state, live.metadata.problem.kind) == ("down", "bad_content")
    assert "web page" in live.metadata.message
    assert live.contracts[0].state == "down"
    assert (live.metrics.state, live.metrics.problem.kind) == ("down", "unreachable")
    assert [artifact.name for artifact in live.artifacts.view.artifacts] == ["good"]
    assert live.health.state == "live"


def test_a_silent_gateway_is_down_in_every_part_with_the_reason(server):
    url = server.url("/discover")
    server.stop_listening()
    services.refresh(target(url))
    live = look()
    assert {part.state for part in live.parts} == {"down"}
    assert live.index.problem.kind == "unreachable"
    assert live.index.advice


def test_what_was_seen_survives_a_later_failure_and_a_recovery_clears_it(server):
    url = gateway(server)
    services.refresh(target(url))
    server.route("/discover", answer(b"", 500))
    age(100)
    services.refresh(target(url))
    live = look()
    assert live.metadata.state == "last_seen"
    assert live.metadata.view.team.name == "Rain team"
    assert live.metadata.problem.kind == "bad_status"
    assert live.metadata.age_seconds >= 100
    server.route("/discover", answer(INDEX))
    services.refresh(target(url))
    assert set(states().values()) == {"live"}
    assert look().metadata.problem is None


def test_after_a_day_the_last_seen_is_forgotten(server):
    services.refresh(target(gateway(server)))
    age(cache.LAST_SEEN_SECONDS + 1)
    assert cache.read(services.subject_of(PRODUCT)).seen == {}


def test_a_part_that_answers_late_is_called_slow(server):
    services.refresh(target(gateway(server, health=answer({"status": "pass"}, delay=1.1))))
    assert look().health.state == "slow"
    assert look().health.latency_ms > 1000
    assert look().metadata.state == "live"


def test_what_a_product_does_not_offer_is_never(server):
    index = {**INDEX, "links": [{"rel": "metadata", "href": "/discover/metadata"}]}
    services.refresh(target(gateway(server, index=answer(index))))
    assert states() == {
        "index": "live",
        "metadata": "live",
        "artifacts": "never",
        "contracts": "never",
        "health": "never",
        "metrics": "never",
    }
    assert look().health.problem.kind == "not_offered"
    services.refresh(target())
    assert states()["index"] == "never"


def test_a_bare_odps_document_gives_metadata_and_artifacts(server):
    url = server.route("/product.yaml", answer(ODPS))
    contract = server.route("/contract", answer(CONTRACT))
    services.refresh(target(url, contract=contract))
    live = look()
    assert live.metadata.view.title == "daily-rain"
    assert [artifact.id for artifact in live.artifacts.view.artifacts] == ["rain", "guide"]
    assert live.contract_of(live.artifact("rain")).view.name == "Rain contract"
    assert live.health.state == "never"


def test_a_bare_contract_gives_itself(server):
    services.refresh(target(server.route("/c.json", answer(CONTRACT))))
    live = look()
    assert live.contracts[0].view.id == "c-rain"
    assert live.metadata.view.title == "Rain contract"
    assert live.contract_of(live.artifact("c-rain")) == live.contracts[0]


def test_a_registered_observability_link_is_asked_where_there_is_no_index(server):
    gateway(server)
    services.refresh(target(observability=server.url("/observe")))
    assert (states()["health"], states()["metrics"]) == ("live", "live")
    services.refresh(target(observability=server.url("/observe/health")))
    assert (states()["health"], states()["metrics"]) == ("live", "never")


def test_a_failing_health_document_is_shown_as_health(server):
    body = {"status": "fail", "output": "disk full"}
    services.refresh(target(gateway(server, health=answer(body, 503, content_type="application/health+json"))))
    assert look().health.state == "live"
    assert look().health.view.output == "disk full"


def test_an_unchanged_answer_is_confirmed_by_its_etag(server):
    url = gateway(
        server,
        index=hostile.with_etag(INDEX, '"i"'),
        metadata=hostile.with_etag(ODPS, '"m"'),
        contract=hostile.with_etag(CONTRACT, '"c"'),
    )
    services.refresh(target(url))
    before = look()
    age(50)
    services.refresh(target(url))
    live = look()
    assert [
        r.headers["if-none-match"]
        for r in server.seen
        if r.path == "/discover/metadata" and "if-none-match" in r.headers
    ] == ['"m"']
    assert live.metadata.view == before.metadata.view
    assert live.contracts[0].view == before.contracts[0].view
    assert live.metadata.age_seconds < 5


def test_a_contract_that_is_no_longer_listed_is_forgotten(server):
    url = gateway(server)
    services.refresh(target(url))
    assert len(look().contracts) == 1
    server.route("/discover", answer({**INDEX, "links": [*INDEX["links"][:3], {"rel": "contract", "href": "/other"}]}))
    services.refresh(target(url))
    assert [part.problem.kind for part in look().contracts] == ["bad_status"]
    assert len([part for part in cache.read(services.subject_of(PRODUCT)).seen if part.startswith("contract:")]) == 0


def test_an_index_of_thousands_of_contracts_is_bounded(server):
    links = [{"rel": "contract", "href": f"/c/{n}"} for n in range(3000)]
    services.refresh(target(gateway(server, index=answer({**INDEX, "links": links}))))
    assert len(look().contracts) == 50
    assert look().contract_list.view.left_out == 2950


def test_links_in_an_index_pass_the_same_door(server, canary):
    links = [
        {"rel": rel, "href": canary.url("/x")} for rel in ("metadata", "artifacts", "contract", "health", "metrics")
    ]
    services.refresh(target(gateway(server, index=answer({**INDEX, "links": links}))))
    assert {part.problem.kind for part in look().parts if part.problem} == {"refused_address"}
    assert canary.connections == 0


def test_the_same_host_is_never_asked_more_than_so_often_at_once(server):
    links = [{"rel": "contract", "href": f"/c/{n}"} for n in range(40)]
    url = gateway(server, index=answer({**INDEX, "links": links}))
    for n in range(40):
        server.route(f"/c/{n}", answer(CONTRACT, delay=0.05))
    services.refresh(target(url))
    assert {part.state for part in look().contracts} == {"live"}
    assert server.most_at_once <= 8


@pytest.fixture
def record():
    now = 1000.0

    def make(**fields):
        return cache.Record(**fields)

    return make, now


def test_states_of_a_part_over_time(record):
    make, now = record
    view = ProductView(standard="ODPS")
    seen = Seen(at=now - 50, latency_ms=20, url="http://x/", etag=None, fresh_until=now - 20, view=view)
    failed = cache.Failed(now - 5, Problem("slow", "m", "a"), retry_at=now + 5)

    def part(**fields):
        found = state.part_of(make(**fields), "metadata", now)
        return found.state, found.waiting, found.view is not None

    flight = {"in_flight": True}
    assert part(asked_at=now - 0.2, started_at=now - 0.1, **flight) == ("loading", True, False)
    assert part(asked_at=now - 2, started_at=now - 1.9, **flight) == ("slow", True, False)
    assert part(asked_at=now - 0.2, seen={"metadata": seen}, **flight) == ("loading", True, True)
    assert part(asked_at=now - 2, seen={"metadata": seen}, **flight) == ("slow", True, True)
    assert part(asked_at=now - 7, waiting_since=now - 7, **flight) == ("unavailable", True, False)
    assert part(asked_at=now - 7, waiting_since=now - 7, seen={"metadata": seen}, **flight) == ("last_seen", True, True)
    assert part(asked_at=now - 60, seen={"metadata": seen}) == ("live", False, True)
    assert part(asked_at=now - 60, failed={"metadata": failed}) == ("down", False, False)
    assert part(asked_at=now - 60, failed={"metadata": failed}, seen={"metadata": seen}) == ("last_seen", False, True)
    assert part(asked_at=now - 60, waiting_since=now - 60) == ("unavailable", False, False)


def test_waiting_for_a_worker_that_does_not_come_tells_the_operator_what_to_do(record):
    make, now = record
    part = state.part_of(make(asked_at=now - 7, waiting_since=now - 7, in_flight=True), "index", now)
    assert part.problem.kind == "no_workers"
    assert "queue `live`" in part.advice
