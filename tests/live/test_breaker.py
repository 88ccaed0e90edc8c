"""The breaker's state belongs to all processes, and is the same for them whichever way it came about."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from marketplace.live import breaker, cache, services
from marketplace.live.errors import FetchError
from marketplace.live.explore import Target

from . import hostile
from .gateways import INDEX, gateway
from .hostile import answer, redirect

ROOT = Path(__file__).resolve().parents[2]
HOST = "slow.example:443"


def rests(host: str) -> bool:
    try:
        breaker.check(host)
    except FetchError as error:
        return error.kind == "resting"
    return False


def elsewhere(*calls: str) -> str:
    """What another process prints, that makes these calls of the breaker."""
    program = "\n".join(
        [
            "import os, django",
            "os.environ['DJANGO_SETTINGS_MODULE'] = 'marketplace.settings'",
            "django.setup()",
            "from django.conf import settings",
            f"settings.REDIS_URL = {settings.REDIS_URL!r}",
            "from marketplace.live import breaker",
            *calls,
        ]
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_failures_of_several_processes_add_up_and_each_knows_the_outcome():
    breaker.record(HOST, False, failures=breaker.FAILURES - 2)
    assert not rests(HOST)
    elsewhere(f"breaker.record({HOST!r}, False)", f"breaker.record({HOST!r}, False)")
    assert not rests(HOST)  # not read yet
    breaker.load()
    assert rests(HOST)
    breaker.record(HOST, True)
    assert not rests(HOST)
    assert elsewhere("breaker.load()", f"breaker.check({HOST!r})", "print('asked')") == "asked"


def test_a_success_in_another_process_begins_the_count_anew():
    breaker.record(HOST, False, failures=breaker.FAILURES - 1)
    elsewhere(f"breaker.record({HOST!r}, True)")
    breaker.record(HOST, False, failures=breaker.FAILURES - 1)
    breaker.load()
    assert not rests(HOST)


@pytest.mark.django_db(transaction=True)
def test_a_host_met_on_the_way_rests_too_when_another_process_found_it_silent(server):
    other = hostile.Server().start()
    try:
        host = breaker.host_of(other.base)
        url = server.route("/discover", redirect(other.route("/hang", hostile.hang)))
        elsewhere(f"breaker.record({host!r}, False, failures={breaker.FAILURES})")
        breaker.load()
        services.refresh(Target(5, "urn", (("discovery", url),)))
        assert services.look(5, ask=False).index.problem.kind == "resting"
        assert other.requests == {}
    finally:
        other.stop()


@hypothesis_settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["a:1", "b:2", "c:3"]), st.integers(0, 6)), max_size=12))
def test_a_host_rests_exactly_when_its_last_failures_in_a_row_were_enough(outcomes):
    cache.client().run(lambda conn: conn.flushdb())
    breaker.load()
    in_a_row = {"a:1": 0, "b:2": 0, "c:3": 0}
    for host, failures in outcomes:
        breaker.record(host, failures == 0, failures=failures)
        in_a_row[host] = in_a_row[host] + failures if failures else 0
    known_here = {host for host in in_a_row if rests(host)}
    breaker._open_until.clear()  # as another process starts
    breaker.load()
    known_there = {host for host in in_a_row if rests(host)}
    assert known_here == known_there == {host for host, count in in_a_row.items() if count >= breaker.FAILURES}


@pytest.mark.django_db(transaction=True)
def test_a_product_says_since_when_it_does_not_answer(server):
    target = Target(5, "urn", (("discovery", gateway(server)),))
    services.refresh(target)
    assert services.look(5, ask=False).index.failing_since is None
    server.route("/discover", answer({}, 500))
    services.refresh(target)
    first = services.look(5, ask=False).index
    assert first.state == "last_seen"
    assert first.failing_since >= first.seen_at
    services.refresh(target)
    again = services.look(5, ask=False).index
    assert again.failing_since == first.failing_since
    server.route("/discover", answer(INDEX))
    services.refresh(target)
    assert services.look(5, ask=False).index.failing_since is None


@pytest.mark.django_db(transaction=True)
def test_what_a_product_does_not_offer_does_not_fail(server):
    services.refresh(Target(5, "urn", (("discovery", server.route("/discover", answer({**INDEX, "links": []}))),)))
    live = services.look(5, ask=False)
    assert live.health.state == "never"
    assert live.health.failing_since is None
