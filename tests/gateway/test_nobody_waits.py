"""One who is slow, or asks for what is slow, holds up nobody else: resolvers, issuers, large files."""

import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from gateway import app as gateway_app
from gateway import grants, observe
from gateway.app import create_app, sample_rows
from gateway.consume.access import salt_of
from gateway.live import LiveProduct
from gateway.observe import metrics_of
from gateway.state import State
from gateway.usage import Usage

from .issuer import Issuer
from .serving import serving
from .test_fairness import until


def test_names_that_are_slow_to_resolve_take_no_place_from_others(folder, monkeypatch):
    release, asked, arrived = threading.Event(), [], []
    resolve = socket.getaddrinfo

    def slow(host, *rest, **more):
        if host != "slow.example":
            return resolve(host, *rest, **more)
        asked.append(host)
        release.wait(60)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    app = create_app(folder)

    async def counting(scope, receive, send):
        if scope["type"] == "http" and scope["method"] == "POST":
            arrived.append(1)
        await app(scope, receive, send)

    def ask(method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(base).port, timeout=20)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status

    with serving(counting) as base, ThreadPoolExecutor(60) as pool:
        body = json.dumps({"url": "https://slow.example/"})
        waiting = [pool.submit(ask, "POST", "/observe/events/subscriptions", body) for _ in range(60)]
        until(lambda: len(arrived) == 60 and len(asked) >= 4)
        try:
            assert ask("GET", "/observe/health") == 200
            assert not any(one.done() for one in waiting)
        finally:
            release.set()
        assert {one.result() for one in waiting} == {422}


@pytest.mark.parametrize("fresh", [600.0, 0.0])
def test_a_key_that_is_held_is_given_while_somebody_waits_for_another(monkeypatch, fresh):
    monkeypatch.setattr(grants, "REFETCH_SECONDS", 0.0)
    issuer, store = Issuer(), grants.KeyStore()
    assert store.key(issuer.jwks_url, "one")
    entered, release, keys = threading.Event(), threading.Event(), issuer.jwks

    def slow():
        entered.set()
        release.wait(10)
        return keys()

    monkeypatch.setattr(issuer, "jwks", slow)
    monkeypatch.setattr(grants, "KEYS_FRESH_SECONDS", fresh)
    other = threading.Thread(target=store.key, args=(issuer.jwks_url, "unknown", 30))
    other.start()
    assert entered.wait(10)
    assert store.key(issuer.jwks_url, "one", 30)
    assert other.is_alive()
    release.set()
    other.join(20)
    issuer.close()


@pytest.mark.parametrize("what", ["sample", "count"])
def test_what_many_ask_for_at_once_is_read_once(folder, monkeypatch, what):
    snapshot = LiveProduct(folder).snapshot
    entry = next(entry for entry in snapshot.product.artifacts.values() if entry.artifact.name == "rain")
    module, name = (gateway_app, "first_rows") if what == "sample" else (observe, "count_rows")
    read, reads, second = getattr(module, name), [], threading.Event()

    def reading(*arguments):
        if arguments in reads:
            second.set()
        reads.append(arguments)
        second.wait(1)
        return read(*arguments)

    monkeypatch.setattr(module, name, reading)

    def ask():
        return sample_rows(snapshot, entry) if what == "sample" else metrics_of(snapshot, Usage()).volume.rows

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: ask(), range(4)))
    assert all(one == found[0] for one in found)
    assert len(reads) == len(set(reads)) > 0


def test_all_who_mask_for_the_first_time_use_one_salt(tmp_path):
    states = [State(tmp_path), State(tmp_path)]
    for state in states:
        state.get("opened")
    barrier = threading.Barrier(8)

    def ask(number):
        barrier.wait(10)
        return salt_of(SimpleNamespace(state=states[number % 2]))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
