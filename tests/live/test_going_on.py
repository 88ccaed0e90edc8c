"""A fault of ours in the parts that all explorations of a worker share ends one of them, not the worker's work."""

import pytest

from marketplace.live import cache, caller, services, writing
from marketplace.live.explore import Target, not_offered
from marketplace.live.record import Failed

from .gateways import gateway

FAILED = Failed(0.0, not_offered("index"), None)

pytestmark = pytest.mark.django_db(transaction=True)


def seen_again(server) -> bool:
    services.refresh(Target(5, "urn", (("discovery", gateway(server)),)))
    return "metadata" in cache.read("p:5").seen


@pytest.mark.parametrize("fault", [ValueError, SystemExit])
def test_the_writer_goes_on_after_a_fault(server, fresh_redis, monkeypatch, fault):
    def broken(_max_age: float) -> None:
        raise fault("a fault of ours")

    with monkeypatch.context() as patched:
        patched.setattr(writing.breaker, "load", broken)
        writing.write(lambda: [cache.answers_command("x", {}, {"index": FAILED})]).result(5)
    assert seen_again(server)


def test_the_loop_is_replaced_where_it_ended(server, fresh_redis):
    async def end(_hands: caller.Caller) -> None:
        raise SystemExit("a fault of ours")

    caller.submit(end, 5)
    caller._current._thread.join(5)
    assert seen_again(server)
