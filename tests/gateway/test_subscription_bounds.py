"""Nobody can aim a gateway at somebody else: bounds of subscriptions, the pace of deliveries, and hostile addresses."""

import http.client
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.state import State
from gateway.subscriptions.addresses import AddressError, checked, is_public, parsed
from gateway.subscriptions.register import Bounds, Full, Register
from gateway.subscriptions.turns import MAX_WAIT_SECONDS, MAX_WAITING, Pace, Turns
from tests.gateway.conftest import write
from tests.gateway.issuer import Issuer
from tests.gateway.receiver import Receiver
from tests.gateway.test_serving import process

PATH = "/observe/events/subscriptions"
INSIDE = {"allow_internal": True}


def test_one_subscriber_has_a_share_and_leaves_the_rest_to_others(folder: Path, client_of):
    issuer = Issuer()
    write(folder / "gateway.yaml", {**issuer.trust(), "deliveries": {**INSIDE, "per_subscriber": 2, "per_host": 5}})
    client = client_of(folder)

    def ask(who: str) -> Any:
        return client.post(PATH, json={"url": "http://127.0.0.1/x"}, headers=issuer.bearer("observe", sub=who))

    assert [ask("ada").status_code for _ in range(3)] == [201, 201, 429]
    assert [ask("bob").status_code for _ in range(3)] == [201, 201, 429]
    assert "You have 2 subscriptions" in ask("ada").json()["detail"]
    assert [ask("eve").status_code for _ in range(2)] == [201, 429]
    refused = ask("eve")
    assert "5 subscriptions go to this host" in refused.json()["detail"]
    assert refused.headers["retry-after"] == "3600"
    thresholds = client.post(
        "/certify/subscriptions", json={"url": "http://127.0.0.1/"}, headers=issuer.bearer("certify", sub="eve")
    )
    assert thresholds.status_code == 429, "both kinds count"
    issuer.close()


def test_ended_and_expired_subscriptions_count_no_longer(folder: Path):
    register = Register(State(None))
    bounds = Bounds(in_all=1, per_subscriber=1, per_host=1)
    value = {"subscriber": "ada", "host": "example.org", "ip": "192.0.2.1"}
    register.add("one", value, bounds)
    with pytest.raises(Full):
        register.add("two", value, bounds)
    register.remove("one")
    register.add("three", value, bounds, expires=1.0)
    register.add("four", value, bounds)
    assert list(register.all()) == ["four"]


@pytest.mark.parametrize(
    "other",
    [
        {"host": "b.example.org", "ip": "192.0.2.1", "subscriber": "b"},  # another name of the same machine
        {"host": "a.example.org", "ip": "192.0.2.2", "subscriber": "b"},  # a name with many addresses
    ],
)
def test_many_names_of_one_machine_are_one_destination(other):
    register = Register(State(None))
    bounds = Bounds(in_all=10, per_subscriber=10, per_host=1)
    register.add("one", {"host": "a.example.org", "ip": "192.0.2.1", "subscriber": "a"}, bounds)
    with pytest.raises(Full, match="to this host"):
        register.add("two", other, bounds)


def test_ten_thousand_attempts_are_refused_quickly_and_leave_nothing_behind(folder: Path):
    write(folder / "gateway.yaml", {"deliveries": INSIDE})
    with process(folder) as (port, served, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        running = psutil.Process(served.pid)
        statuses: dict[int, int] = {}
        for number in range(10_000):
            body = json.dumps({"url": f"http://127.0.0.1:{1 + number % 60_000}/{number}"})
            connection.request("POST", PATH, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            told = answer.read()
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if number == 1_000:
                before = running.memory_info().rss
        grown = running.memory_info().rss - before
        connection.close()
        assert statuses == {201: 100, 429: 9_900}
        assert json.loads(told)["detail"] == "You have 100 subscriptions already, which is the most there may be."
        assert grown < 8_000_000, f"{grown} bytes more after 9,000 refusals"
        connection.request("GET", PATH)
        assert json.loads(connection.getresponse().read())["count"] == 100


def test_every_subscription_is_told_of_an_event_once(folder: Path, client_of, monkeypatch):
    """Two thousand of them, at twenty hosts."""
    allowed = {**INSIDE, "per_subscriber": 2_000, "per_host": 2_000, "per_minute": 100_000}
    write(folder / "gateway.yaml", {"deliveries": allowed})
    observing = client_of(folder).app.state.observing
    subscriptions = observing.subscriptions
    bounds = Bounds(in_all=2_000, per_subscriber=100, per_host=100)
    sent, done = set(), threading.Event()

    def send(where: Any, body: bytes, headers: dict[str, str], *, seconds: float) -> int:
        sent.add(where.target)
        if len(sent) == 2_000:
            done.set()
        return 204

    monkeypatch.setattr("gateway.subscriptions.service.send", send)  # so many real receivers fit in no test
    for number in range(2_000):
        kept = {"url": f"http://127.0.0.1/{number}", "secret": "whsec_" + "QUJD" * 8}
        own = {key: f"{key} {number // 100}" for key in ("host", "ip", "subscriber")}
        subscriptions.register.add(str(number), {**kept, **own, "types": None}, bounds)
    with pytest.raises(Full):
        subscriptions.register.add("more", {**kept, "host": "", "ip": "", "subscriber": ""}, bounds)
    subscriptions.emit("product.updated", {})
    assert done.wait(120), f"{len(sent)} were told"


# -- turns and pace ---------------------------------------------------------------------------------------------------


class Clock:
    """Time that passes only when it is told to, and what is set for later."""

    def __init__(self) -> None:
        self.now = 0.0
        self.later: list[tuple[float, Callable[[], None]]] = []

    def after(self, seconds: float, job: Callable[[], None]) -> None:
        self.later.append((self.now + seconds, job))

    def run(self) -> None:
        """Run all that is set, in the order of its time."""
        while self.later:
            self.later.sort(key=lambda entry: entry[0])
            when, job = self.later.pop(0)
            self.now = max(self.now, when)
            job()


def test_jobs_of_a_host_wait_for_each_other_and_those_of_another_do_not():
    clock, done = Clock(), []
    turns = Turns(clock.after)
    for name in ("a1", "a2", "b1"):
        turns.add(name[0], lambda name=name: done.append(name) or 0)
    assert len(clock.later) == 2, "one of each host at a time"
    clock.run()
    assert (sorted(done), done.index("a1") < done.index("a2")) == (["a1", "a2", "b1"], True)
    assert len(turns) == 0, "nothing is remembered of a host without jobs"


def test_a_job_that_must_wait_or_raises_keeps_the_order_and_stops_nobody():
    clock, done, waits = Clock(), [], [5.0, 7.0, 0.0]
    turns = Turns(clock.after)

    def slow() -> float:
        done.append(clock.now)
        return waits.pop(0)

    def broken() -> float:
        raise ValueError("on purpose")

    turns.add("a", slow)
    turns.add("a", broken)
    turns.add("a", lambda: done.append("last") or 0)
    with pytest.raises(ValueError, match="on purpose"):
        clock.run()
    clock.run()
    assert (done, len(turns)) == ([0.0, 5.0, 12.0, "last"], 0)


def test_only_so_many_wait_for_one_host():
    turns = Turns(Clock().after)
    assert all(turns.add("a", lambda: 0) for _ in range(MAX_WAITING))
    assert not turns.add("a", lambda: 0)
    assert turns.add("b", lambda: 0)


@given(per_minute=st.integers(1, 1000), gaps=st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_no_minute_has_more_than_the_burst_and_the_rate(per_minute: int, gaps: list[float]):
    clock = Clock()
    pace = Pace(lambda: clock.now)
    moments = []
    for gap in gaps:
        clock.now += gap
        wait = pace.reserve("a", per_minute)
        if wait is not None:
            assert 0 <= wait <= MAX_WAIT_SECONDS
            moments.append(clock.now + wait)
    allowed = per_minute + per_minute // 4 + 1
    for first in moments:
        assert sum(first - 1e-6 <= moment < first + 60 - 1e-3 for moment in moments) <= allowed
    assert moments == sorted(moments)


def test_what_would_wait_for_hours_is_refused_and_other_addresses_are_not():
    pace = Pace(lambda: 0.0)
    waits = [pace.reserve("a", 1) for _ in range(70)]
    assert (waits[0], waits[-1]) == (0, None)
    assert pace.reserve("b", 1) == 0


def test_addresses_are_forgotten_when_their_time_is_over():
    clock = Clock()
    pace = Pace(lambda: clock.now)
    for number in range(30_000):
        clock.now += 1
        pace.reserve(str(number), 60)
    assert len(pace) < 10_100


def test_a_hanging_receiver_does_not_keep_others_waiting(folder: Path, client_of):
    """Its name is served by one thread; a receiver of another name is told meanwhile."""
    import socket

    receiver = Receiver()
    write(folder / "gateway.yaml", {"deliveries": INSIDE, "observe": {"delivery_seconds": 3}})
    client = client_of(folder)
    with socket.socket() as hanging:  # accepts, and never says anything
        hanging.bind(("127.0.0.1", 0))
        hanging.listen(64)
        for number in range(20):
            url = f"http://127.0.0.1:{hanging.getsockname()[1]}/{number}"
            assert client.post(PATH, json={"url": url}).status_code == 201
        other = receiver.url.replace("127.0.0.1", "localhost")
        assert client.post(PATH, json={"url": other}).status_code == 201
        client.app.state.observing.subscriptions.emit("product.updated", {})
        receiver.wait(1)
        waiting = State.beside(folder).count("delivery")
        assert waiting >= 18, "the hanging ones were still in their turn"
    receiver.close()
    for own_id in client.app.state.observing.subscriptions.register.all():
        client.app.state.observing.subscriptions.remove(own_id)


# -- addresses, without any connection --------------------------------------------------------------------------------

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1",
    "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::", "3fff::1",
    "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "", "localhost", "1.1.1",
    "0177.0.0.1", "1.1.1.1 ", "1.1.1.1%eth0",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_on_the_public_internet(address: str):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2a00:1450::1"]
)
def test_what_is(address: str):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_embedded_ipv4_address_never_makes_a_public_ipv6_one(address):
    number = int(address)
    for prefix in ("::", "::ffff:", "64:ff9b::"):
        assert not is_public(f"{prefix}{number >> 16:x}:{number & 0xFFFF:x}")
    assert not is_public(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::")


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://0/", "http://[::]/",
        "http://127.0.0.1.:80/", "http://[::ffff:7f00:1]/", "http://①②⑦.0.0.1/", "http://127。0。0。1/",
        "http://LOCALHOST/", "http://localhost./", "http://[::1%25lo]/", "https://[0:0:0:0:0:ffff:127.0.0.1]/",
    ],
)  # fmt: skip
def test_other_spellings_of_this_machine_are_seen_through(url: str):
    with pytest.raises(AddressError):
        checked(url, allow_internal=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://a@127.0.0.1/", "http://1.1.1.1@127.0.0.1/", "http://:@x/", "gopher://x/", "//x/", "http:x", "http://",
        "http://x:0x50/", "http://x:-1/", "http://x:65536/", "http://[::1/", "http://x\r\nHost: y/", "http://x/\x00",
        "http://x y/", "http://x/\t", "http://" + "a" * 64 + ".org/", "http://..../", "http://x\\@y/ ", "HTTP:///x",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_before_anybody_is_asked(url: str):
    with pytest.raises(AddressError):
        parsed(url)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_is_refused(text: str):
    for url in (text, f"http://{text}", f"https://{text}/x"):
        try:
            scheme, host, port, target = parsed(url)
        except AddressError:
            continue
        assert scheme in ("http", "https")
        assert host == host.rstrip(".") != ""
        assert 0 < port < 65_536
        assert target.startswith("/")
        assert not any(ord(char) <= 32 for char in host + target)
