"""`gateway check` sees what a gateway does wrong, whoever wrote it."""

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.__main__ import cli
from gateway.app import create_app
from gateway.commands.conformance.report import Report
from gateway.commands.conformance.running import examine
from tests.gateway.conftest import write
from tests.gateway.serving import serving

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


class Altered:
    """Our gateway with some answers altered on their way out; `change` takes path, method, headers and the answer."""

    def __init__(self, app: Any, change: Callable[[str, str, dict[bytes, bytes], Answer], Answer]) -> None:
        self.app, self.change = app, change

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, body = {}, b""

        async def keep(message):
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
            else:
                body += message.get("body", b"")

        await self.app(scope, receive, keep)
        answer = (start["status"], [h for h in start["headers"] if h[0] != b"content-length"], body)
        status, headers, body = self.change(scope["path"], scope["method"], dict(scope["headers"]), answer)
        length = [] if scope["method"] == "HEAD" or status == 304 else [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
        await send({"type": "http.response.body", "body": body})


def faults(report: Report) -> set[str]:
    return {result.check for result in report.results if result.outcome != "holds"}


def without(name: bytes, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [header for header in headers if header[0] != name]


def edited(body: bytes, edit: Callable[[Any], None]) -> bytes:
    content = json.loads(body)
    edit(content)
    return json.dumps(content).encode()


def no_etag(path, method, asked, answer):
    status, headers, body = answer
    return status, without(b"etag", headers), body


def never_304(path, method, asked, answer):
    status, headers, _body = answer
    return (200, headers, b"{}") if status == 304 else answer


def html_errors(path, method, asked, answer):
    status, headers, _body = answer
    if status < 400:
        return answer
    return status, [*without(b"content-type", headers), (b"content-type", b"text/html")], b"<h1>oh</h1>"


def other_status(path, method, asked, answer):
    status, headers, body = answer
    return (status, headers, edited(body, lambda p: p.update(status=418))) if status == 404 else answer


def stack_trace(path, method, asked, answer):
    status, headers, body = answer
    trace = "Traceback (most recent call last): secret"
    return (status, headers, edited(body, lambda p: p.update(detail=trace))) if status == 405 else answer


def invalid_odps(path, method, asked, answer):
    status, headers, body = answer
    if path != "/discover/metadata" or not body.startswith(b"{"):
        return answer
    return status, headers, edited(body, lambda odps: odps.update(outputPorts="none"))


def invalid_contract(path, method, asked, answer):
    status, headers, body = answer
    if not path.startswith("/discover/contracts") or not body.startswith(b"{") or status != 200:
        return answer
    return status, headers, edited(body, lambda odcs: odcs.pop("version"))


def json_for_yaml(path, method, asked, answer):
    status, headers, body = answer
    if path == "/discover/metadata" and asked.get(b"accept") == b"application/yaml":
        return status, [*without(b"content-type", headers), (b"content-type", b"application/json")], body
    return answer


def any_limit(path, method, asked, answer):
    status, _headers, _body = answer
    if path.endswith("/sample") and status == 400:
        return 200, [(b"content-type", b"application/json")], b'{"artifactId": "", "columns": [], "rows": []}'
    return answer


def ragged_rows(path, method, asked, answer):
    status, headers, body = answer
    if not path.endswith("/sample") or status != 200:
        return answer
    return status, headers, edited(body, lambda sample: sample["rows"][0].append(1))


def snake_case(path, method, asked, answer):
    status, headers, body = answer
    if path != "/discover/artifacts" or status != 200:
        return answer
    return status, headers, edited(body, lambda listing: listing.update(product_id=listing.pop("productId")))


def failing_200(path, method, asked, answer):
    _status, headers, body = answer
    if path != "/observe/health":
        return answer
    return 200, headers, edited(body, lambda health: health.update(status="fail"))


def still_metrics(path, method, asked, answer):
    status, headers, body = answer
    if path != "/observe/metrics" or not body.startswith(b"{"):
        return answer
    return status, headers, edited(body, lambda metrics: metrics["requests"].update(total=7))


def odd_prometheus(path, method, asked, answer):
    status, headers, body = answer
    return (status, headers, b"requests = many\n") if path == "/observe/metrics" and body[:1] == b"#" else answer


def gives_to_anybody(path, method, asked, answer):
    return (200, [(b"content-type", b"text/csv")], b"a\n1\n") if path.startswith("/consume/") else answer


def shows_to_anybody(path, method, asked, answer):
    rows = b'{"artifactId": "", "columns": ["a"], "rows": [[1]]}'
    return (200, [(b"content-type", b"application/json")], rows) if path.endswith("/sample") else answer


def takes_any_address(path, method, asked, answer):
    created = 201, [(b"content-type", b"application/json")], b"{}"
    return created if method == "POST" and path.endswith("/subscriptions") else answer


def certifies_itself(path, method, asked, answer):
    status, headers, body = answer
    if path != "/certify/status":
        return answer
    return status, headers, edited(body, lambda certified: certified.update(policies=99))


def test_our_gateway_is_described_without_a_fault(folder):
    with serving(create_app(folder)) as url:
        report = examine(url, level="described")
    assert faults(Report(url=url, results=report.at("listed") + report.at("described"))) == set()
    assert report.passed
    assert len(report.at("described")) > 40


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (no_etag, "the index has a strong ETag"),
        (never_304, "the index answers 304 to its ETag"),
        (html_errors, "an unknown address is refused"),
        (other_status, "an unknown address is refused"),
        (stack_trace, "a wrong method is refused"),
        (invalid_odps, "the ODPS document is valid by the published schema"),
        (invalid_contract, "the contract of rain is valid by the published schema"),
        (json_for_yaml, "the ODPS document is the same as YAML"),
        (any_limit, "the sample of rain refuses limit=0"),
        (ragged_rows, "the sample of rain has a cell for each column, at most 100 rows"),
        (snake_case, "the list of artifacts has the right shape"),
        (failing_200, "health is 503 when it fails and only then"),
        (still_metrics, "the metrics count requests"),
        (odd_prometheus, "the metrics are there as Prometheus text"),
        (gives_to_anybody, "artifact rain, which is not open, needs a grant"),
        (gives_to_anybody, "artifact rain refuses a token without a signature"),
        (shows_to_anybody, "the sample of rain, which is not open, needs a grant"),
        (takes_any_address, "subscribing with an internal address is refused"),
        (certifies_itself, "status and report agree"),
    ],
)
def test_a_fault_is_seen_and_its_level_does_not_hold(folder, change, said):
    if change in (any_limit, ragged_rows):
        write(folder / "gateway.yaml", {"artifacts": {"rain": {"access": "open"}}})
    with serving(Altered(create_app(folder), change)) as url:
        report = examine(url)
    assert said in faults(report)
    fault = next(result for result in report.results if result.check == said)
    assert fault.outcome == "wrong"
    assert fault.expected != fault.seen
    assert not report.holds(fault.level)
    assert not report.passed


async def nonsense(scope, receive, send):
    """Answers everything with endless nesting."""
    if scope["type"] == "http":
        headers = [(b"content-type", b"application/json"), (b"etag", b'"x"')]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"[" * 200_000})


async def elsewhere(scope, receive, send):
    """Redirects to itself for ever."""
    if scope["type"] == "http":
        headers = [(b"location", b"/discover")]
        await send({"type": "http.response.start", "status": 302, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(("app", "code"), [(nonsense, 1), (elsewhere, 2)])
def test_what_is_no_gateway_at_all_is_told_in_words(app, code):
    with serving(app) as url:
        told = CliRunner().invoke(cli, ["check", url])
    assert told.exit_code == code, told.output
    assert "level: none" in told.output or "does not answer" in told.output
    assert "Traceback" not in told.output


def test_exit_codes_and_json(folder):
    with serving(create_app(folder)) as url:
        held = CliRunner().invoke(cli, ["check", url, "--level", "described", "--json"])
        with_path = CliRunner().invoke(cli, ["check", url + "/discover/", "--level", "listed"])
    assert held.exit_code == 0, held.output
    report = json.loads(held.output)
    assert report["passed"] is True
    assert (report["asked"], report["level"]) == ("described", "consumable")
    assert report["product"] == "0f7d1c1e-6b1f-4a53-9a36-0d6c7d6e3f10"
    assert with_path.exit_code == 0
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = CliRunner().invoke(cli, ["check", f"http://127.0.0.1:{closed.getsockname()[1]}"])
    assert (nobody.exit_code, "does not answer" in nobody.output) == (2, True)
    assert CliRunner().invoke(cli, ["check", "ftp://x"]).exit_code == 2
    assert CliRunner().invoke(cli, ["check", "http://x", "--level", "perfect"]).exit_code == 2


def test_the_token_is_for_the_gateway_only(folder):
    seen: list[tuple[str, bytes | None]] = []

    async def stranger(scope, receive, send):
        if scope["type"] == "http":
            seen.append((scope["path"], dict(scope["headers"]).get(b"authorization")))
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    with serving(stranger) as other:

        def leads_away(path, method, asked, answer):
            status, headers, body = answer
            if path != "/discover" or method != "GET" or not body:
                return answer
            return (
                status,
                headers,
                body.replace(b'"href":"/discover/artifacts"', f'"href":"{other}/artifacts"'.encode()),
            )

        with serving(Altered(create_app(folder), leads_away)) as url:
            examine(url, token="secret-token")
    assert ("/artifacts", None) in seen
    assert all(authorization is None for _, authorization in seen)


def test_a_stranger_cannot_steer_the_terminal(folder):
    def escapes(path, method, asked, answer):
        status, headers, body = answer
        if path != "/discover/artifacts" or status != 200:
            return answer
        return status, headers, edited(body, lambda found: found.update(productId="\x1b[2J\x1b]0;owned\x07[red]"))

    with serving(Altered(create_app(folder), escapes)) as url:
        told = CliRunner().invoke(cli, ["check", url], env={"FORCE_COLOR": ""})
    assert "owned" in told.output
    assert "\x1b[2J" not in told.output
    assert "\x07" not in told.output
