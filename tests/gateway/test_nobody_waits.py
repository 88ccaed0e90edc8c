"""One who is slow, or asks for what is slow, holds up nobody else: resolvers, issuers, large files."""

import fcntl
import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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

from .conftest import write
from .issuer import Issuer
from .serving import serving
from .test_fairness import until

JSON = {"Content-Type": "application/json"}
MANY = 60


class Crowd:
    """Many who ask for one thing at the same time, of a gateway that is served for real."""

    def __init__(self, port, arrived, *asked):
        self.port = port
        self.arrived = arrived
        self._pool = ThreadPoolExecutor(MANY)
        self._waiting = [self._pool.submit(self.ask, "POST", *asked) for _ in range(MANY)]

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, headers or {})
        return connection.getresponse().status

    def wait_for(self, asked=(), least=0):
        """Until all are there; then somebody else is answered, before any of them."""
        until(lambda: len(self.arrived) == MANY and len(asked) >= least)
        answered = ThreadPoolExecutor(1).submit(self.ask, "GET", "/observe/health")
        assert answered.result(20) == 200
        assert not any(one.done() for one in self._waiting)

    def statuses(self):
        return {one.result() for one in self._waiting}


@contextmanager
def crowd(app, path, body, headers):
    arrived = []

    async def counting(scope, receive, send):
        if scope["type"] == "http" and scope["method"] == "POST":
            arrived.append(1)
        await app(scope, receive, send)

    with serving(counting) as base:
        crowded = Crowd(urlsplit(base).port, arrived, path, body, headers)
        yield crowded
        crowded.statuses()


def test_names_that_are_slow_to_resolve_take_no_place_from_others(folder, monkeypatch):
    release, asked = threading.Event(), []
    resolve = socket.getaddrinfo

    def slow(host, *rest, **more):
        if host != "slow.example":
            return resolve(host, *rest, **more)
        asked.append(host)
        release.wait(60)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    body = json.dumps({"url": "https://slow.example/"})
    with crowd(create_app(folder), "/observe/events/subscriptions", body, JSON) as crowded:
        crowded.wait_for(asked, 4)
        release.set()
    assert crowded.statuses() == {422}


def test_an_issuer_that_hangs_takes_no_place_from_others(folder, monkeypatch):
    grants.KEYS.forget()
    issuer, entered, release = Issuer(), [], threading.Event()
    write(folder / "gateway.yaml", issuer.trust())
    keys = issuer.jwks()

    def slow():
        entered.append(1)
        release.wait(30)
        return keys

    monkeypatch.setattr(issuer, "jwks", slow)
    monkeypatch.setattr(grants.KeyStore.key, "__defaults__", (30.0,))
    with crowd(create_app(folder), "/control/pause", "{}", {**JSON, **issuer.bearer("observe")}) as crowded:
        crowded.wait_for(entered, 1)
        release.set()
    assert crowded.statuses() <= {403, 503}
    grants.KEYS.forget()
    issuer.close()


def test_rows_that_must_wait_for_their_file_take_no_place_from_others(folder):
    grants.KEYS.forget()
    issuer = Issuer()
    write(folder / "gateway.yaml", {**issuer.trust(), "artifacts": {"rain": {"ingest": True}}})
    app = create_app(folder)
    snapshot = app.state.context.live.snapshot
    own_id = next(e.artifact.id for e in snapshot.product.artifacts.values() if e.artifact.name == "rain")
    with (folder / "data" / "rain.csv").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as another program does that writes to it
        body, headers = '[{"station": "S", "mm": 1}]', {**JSON, **issuer.bearer("ingest")}
        with crowd(app, f"/ingest/{own_id}", body, headers) as crowded:
            crowded.wait_for()
            fcntl.flock(file, fcntl.LOCK_UN)
    assert crowded.statuses() == {200}
    issuer.close()


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
