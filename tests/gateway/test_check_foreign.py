"""`gateway check` and the gateways of others: what is there is seen, what is wrong is named, and it always ends."""

import gzip
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.__main__ import cli
from gateway.commands.conformance.running import examine
from tests.gateway.foreign import Complete, Foreign, Raw, TenWrongs, listening, minimal

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def check(url: str, *options: str) -> Any:
    return CliRunner().invoke(cli, ["check", url, *options], env={"NO_COLOR": "1"})


def test_one_that_serves_only_discover_is_listed_and_claims_no_more():
    with listening(minimal()) as url:
        told = check(url, "--json")
        asked_more = check(url, "--level", "described")
        as_json = check(url, "--level", "observable", "--json")
    report = json.loads(told.output)
    assert told.exit_code == 0, told.output
    assert (report["level"], report["claimed"], report["passed"]) == ("listed", "listed", True)
    assert (asked_more.exit_code, "level: listed (claimed: listed, asked: described)" in asked_more.output) == (1, True)
    for relation in ("service-desc", "metadata", "artifacts"):
        assert f"– missing: the index links to {relation}" in asked_more.output
    missing = {result["check"] for result in json.loads(as_json.output)["results"] if result["outcome"] == "missing"}
    assert {"/observe/health is there", "/observe/metrics is there", "/observe/results is there"} <= missing
    assert as_json.exit_code == 1


def test_one_at_addresses_of_its_own_choice_is_found_by_its_links():
    with listening(Complete()) as url:
        told = check(url)
    assert told.exit_code == 0, told.output
    assert "level: certifiable (claimed: certifiable, asked: certifiable)" in told.output
    assert "✗" not in told.output
    assert "– missing" not in told.output


def test_ten_wrongs_are_named_level_by_level_and_nothing_else_is():
    with listening(TenWrongs()) as url:
        told, as_json = check(url), check(url, "--json")
    report = json.loads(as_json.output)
    assert (told.exit_code, as_json.exit_code) == (1, 1)
    assert (report["level"], report["passed"]) == (None, False)
    named: dict[str, set[str]] = {}
    for result in report["results"]:
        if result["outcome"] == "wrong":
            named.setdefault(result["level"], set()).add(result["check"])
            assert result["expected"] != result["seen"]
    assert named == TenWrongs.NAMED
    assert sum(map(len, named.values())) == 10
    for level, checks in named.items():
        begin = told.output.index(f"\n{level}: " if level != "listed" else "listed: ")
        part = told.output[begin:].split(" hold\n", 1)[1].split(" hold\n", 1)[0]
        assert {line.split("wrong: ")[1] for line in part.splitlines() if "✗ wrong: " in line} == checks
    assert "level: none (claimed: certifiable, asked: certifiable)" in told.output


# -- what is no gateway -----------------------------------------------------------------------------------------------


def endless(send: Callable[[bytes], Any]) -> None:
    send(HEAD + b"\r\n[")
    while True:
        send(b"1," * 32_768)


def dripping(send: Callable[[bytes], Any]) -> None:
    send(HEAD + b"Content-Length: 1000000\r\n\r\n[")
    while True:
        threading.Event().wait(0.05)
        send(b" ")


def dripping_headers(send: Callable[[bytes], Any]) -> None:
    send(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        threading.Event().wait(0.05)
        send(b"x")


def silent(send: Callable[[bytes], Any]) -> None:
    threading.Event().wait(5)


def endless_headers(send: Callable[[bytes], Any]) -> None:
    send(b"HTTP/1.1 200 OK\r\n")
    while True:
        send(b"X-More: " + b"x" * 8_000 + b"\r\n")


def no_http(send: Callable[[bytes], Any]) -> None:
    send(b"SSH-2.0-OpenSSH_9.2\r\n")


def html(send: Callable[[bytes], Any]) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<h1>Hi</h1>\r\n")


def cut_off(send: Callable[[bytes], Any]) -> None:
    send(HEAD + b"Content-Length: 100\r\n\r\n{")


def bomb(send: Callable[[bytes], Any]) -> None:
    body = gzip.compress(b"[" * 50_000_000)
    send(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def loop(send: Callable[[bytes], Any]) -> None:
    send(b"HTTP/1.1 302 Found\r\nLocation: /discover\r\nContent-Length: 0\r\n\r\n")


def nowhere(send: Callable[[bytes], Any]) -> None:
    send(b"HTTP/1.1 302 Found\r\nLocation: http://[x/\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("write", "code", "said"),
    [
        (endless, 1, "the body is larger than 16 MB"),
        (dripping, 2, "did not end within 0.5 s"),
        (dripping_headers, 2, "did not end within 0.5 s"),
        (silent, 2, "no answer"),
        (endless_headers, 2, "no answer"),
        (no_http, 2, "no answer"),
        (html, 1, "200 text/html"),
        (cut_off, 2, "no answer"),
        (bomb, 1, "the body is larger than 16 MB"),
        (loop, 2, "more than 3 redirects"),
        (nowhere, 2, "a redirect that leads nowhere"),
    ],
)
def test_what_is_hostile_is_told_in_words_and_ends(write, code: int, said: str):
    with listening(Raw(write)) as url:
        timeout = "0.5" if said.endswith("s") else "20"
        told = check(url, "--timeout", "1" if write is silent else timeout)
        as_json = check(url, "--timeout", "1" if write is silent else timeout, "--json")
    assert (told.exit_code, as_json.exit_code) == (code, code), told.output
    assert said in told.output
    assert "Traceback" not in told.output
    report = json.loads(as_json.output)
    assert (report["passed"], report["reachable"]) == (False, code == 1)


def test_one_that_is_slow_with_everything_is_given_up_on(monkeypatch):
    """Each answer within its time, and the whole for ever: the examination has an end of its own."""
    monkeypatch.setattr("gateway.commands.conformance.asking.MAX_WAITS", 0.1)  # a second for all, ten for each
    slow = Complete()
    answer = slow.answer

    def late(asked: Any) -> Any:
        if slow.requests:
            threading.Event().wait(0.3)
        return answer(asked)

    slow.answer = late
    with listening(slow) as url:
        report = examine(url, timeout=10)
    assert not report.passed
    assert slow.requests <= 6
    assert any("not asked: the examination took 1 s" in result.seen for result in report.results)


def test_only_so_many_artifacts_are_looked_at():
    many = [
        {"id": f"00000000-0000-4000-8000-{number:012d}", "name": f"a{number}", "title": "A", "kind": "file"}
        for number in range(50_000)
    ]
    crowded = Complete(
        artifacts=lambda own, asked: (200, "application/json", {"productId": "x", "artifacts": many}, {})
    )
    with listening(crowded) as url:
        report = examine(url, level="described")
    assert len(report.results) < 100
    assert crowded.requests < 100


def test_a_gateway_that_is_foreign_is_not_shown_the_token_elsewhere():
    seen: list[str | None] = []

    class Thief(Foreign):
        def answer(self, asked: Any) -> Any:
            seen.append(asked.headers.get("Authorization"))
            return self.unknown(asked.path)

    with listening(Thief({})) as thief:

        def away(own: Foreign, asked: Any) -> Any:
            return 302, "text/plain", "", {"Location": f"{thief}/about"}

        with listening(Complete(odps=away)) as url:
            examine(url, token="secret-token")
    assert seen
    assert set(seen) == {None}
