"""Over real HTTP: however many look, a product is asked once; what has not changed is not read again."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from marketplace.live import cache, caller, parsing, record, services
from marketplace.live.explore import Target
from marketplace.live.view import VIEW_TYPES, shape_of
from registry.services import LinkData

from .gateways import ARTIFACTS, CONTRACT, INDEX, ODPS, gateway
from .hostile import answer, with_etag

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_hundred_viewers_of_the_page_cause_one_fetch(celery_worker, live_server, server, setup_product, wait_for):
    long = {"cache_control": "max-age=600"}
    bodies = {
        "metadata": ODPS,
        "artifacts": ARTIFACTS,
        "contract": CONTRACT,
        "health": {"status": "pass"},
        "metrics": {},
    }
    parts = {"metrics": answer({}, **long)} | {name: answer(body, **long) for name, body in bodies.items()}
    url = gateway(server, index=answer(INDEX, delay=0.5, **long), **parts)
    product = setup_product(links=[LinkData("discovery", url)])

    with httpx2.Client(base_url=live_server.url, timeout=60) as client, ThreadPoolExecutor(20) as people:
        pages = list(people.map(lambda _: client.get(product.get_absolute_url()).status_code, range(100)))
    assert set(pages) == {200}
    wait_for(lambda: not services.look(product.pk, ask=False).waiting)
    assert {part.state for part in services.look(product.pk, ask=False).parts} <= {"live", "slow"}
    asked = [server.requests[path] for path in ("/discover", "/discover/metadata", "/discover/contracts/c-rain")]
    assert asked == [1, 1, 1]


@pytest.mark.parametrize("how", ["by its ETag", "byte for byte"])
def test_what_says_the_same_is_shown_as_fresh_and_not_read_again(server, monkeypatch, how):
    made = with_etag(CONTRACT, '"v1"') if how == "by its ETag" else answer(CONTRACT)
    target = Target(5, "urn", (("discovery", gateway(server, contract=made)),))
    read: list[bytes] = []

    def noted(body, *rest, **named):
        read.append(body)
        return parsing.parse(body, *rest, **named)

    monkeypatch.setattr(caller, "parse", noted)
    services.refresh(target)
    first = services.look(5, ask=False).contracts[0]
    assert json.dumps(CONTRACT).encode() in read
    read.clear()
    services.refresh(target)
    second = services.look(5, ask=False).contracts[0]
    assert read == []
    assert second.view == first.view
    assert second.seen_at > first.seen_at


def test_one_changed_byte_is_read(server):
    target = Target(5, "urn", (("discovery", gateway(server)),))
    services.refresh(target)
    gateway(server, contract=answer({**CONTRACT, "version": "1.0.1"}))
    services.refresh(target)
    assert services.look(5, ask=False).contracts[0].view.version == "1.0.1"


def test_a_view_of_another_shape_is_as_good_as_never_seen(server, monkeypatch):
    services.refresh(Target(5, "urn", (("discovery", gateway(server)),)))
    assert cache.read("p:5").seen
    monkeypatch.setattr(record, "shape_of", lambda _kind: "another")
    assert cache.read("p:5").seen == {}


@pytest.mark.parametrize("how", ["by its ETag", "byte for byte"])
def test_what_an_older_program_read_is_shown_and_read_anew(server, monkeypatch, how):
    made = with_etag(CONTRACT, '"v1"') if how == "by its ETag" else answer(CONTRACT)
    target = Target(5, "urn", (("discovery", gateway(server, contract=made)),))
    with monkeypatch.context() as older:
        older.setattr(record, "READING", "older")
        services.refresh(target)
    assert services.look(5, ask=False).contracts[0].view.version == "1.0.0"
    read: list[bytes] = []

    def noted(body, *rest, **named):
        read.append(body)
        return parsing.parse(body, *rest, **named)

    monkeypatch.setattr(caller, "parse", noted)
    services.refresh(target)
    assert json.dumps(CONTRACT).encode() in read


def test_two_processes_agree_on_what_they_can_read_of_each_other():
    code = """
import json
from marketplace.live import record, view
print(json.dumps([record.READING, {name: view.shape_of(name) for name in view.VIEW_TYPES}]))
"""
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
        assert json.loads(said) == [record.READING, {name: shape_of(name) for name in VIEW_TYPES}]
