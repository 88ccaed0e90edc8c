"""Gateways that are not ours: written from docs/gateway-protocol.md with the standard library alone."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml

PORT_ID = "3d6f0a0e-8f53-4f0e-9a55-1d2a6f5e9b01"
PRODUCT_ID = "9c1f2b7e-1111-4222-8333-444455556666"
WHEN = "2026-01-01T00:00:00Z"
JSON = "application/json"
PROBLEM = "application/problem+json"

Answer = tuple[int, str, Any, dict[str, str]]
"""Status, media type, body (text, or what becomes JSON), more headers."""
Routes = dict[str, Callable[["Foreign", BaseHTTPRequestHandler], Answer]]

CONTRACT = {
    "apiVersion": "v3.2.0", "kind": "DataContract", "id": "wind", "version": "1.0.0", "status": "active",
    "schema": [{"name": "wind", "physicalType": "table", "properties": [{"name": "ms", "logicalType": "number"}]}],
}  # fmt: skip
PORT = {"name": "wind", "version": "1.0.0", "contractId": "wind"}
ODPS = {
    "apiVersion": "v1.1.0", "kind": "DataProduct", "id": PRODUCT_ID, "name": "wind", "status": "active",
    "outputPorts": [PORT],
}  # fmt: skip


def link(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "type": JSON}


def problem(status: int, title: str, **headers: str) -> Answer:
    return status, PROBLEM, {"type": "about:blank", "title": title, "status": status}, headers


def wants_yaml(asked: BaseHTTPRequestHandler) -> bool:
    return "yaml" in asked.headers.get("Accept", "")


def standard(content: dict[str, Any]) -> Callable[["Foreign", BaseHTTPRequestHandler], Answer]:
    """A document of a standard, in JSON or YAML."""

    def answer(own: "Foreign", asked: BaseHTTPRequestHandler) -> Answer:
        if "version=0.0.0" in asked.path:
            return problem(404, "No such version")
        as_yaml = wants_yaml(asked)
        return 200, "application/yaml" if as_yaml else JSON, yaml.safe_dump(content) if as_yaml else content, {}

    return answer


class Foreign:
    """A gateway that answers what its routes say, and refuses the rest as the protocol asks."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self.requests = 0

    def answer(self, asked: BaseHTTPRequestHandler) -> Answer:
        """The answer to one request."""
        self.requests += 1
        route = self.routes.get(asked.path.split("?")[0])
        if route is None:
            return self.unknown(asked.path)
        if asked.command not in ("GET", "HEAD"):
            return self.wrong_method()
        return route(self, asked)

    def unknown(self, path: str) -> Answer:
        """An address that is not there."""
        return problem(404, "Not found")

    def wrong_method(self) -> Answer:
        """A method that is not there."""
        return problem(405, "Method not allowed", Allow="GET, HEAD")

    def etag(self, body: bytes) -> str:
        """The ETag of a body."""
        return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


@contextmanager
def listening(gateway: Any) -> Iterator[str]:
    """The address of a gateway; its `answer` is asked, or its `raw` writes to the connection itself."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            if hasattr(gateway, "raw"):
                self.close_connection = True
                try:
                    gateway.raw(self.wfile)
                except OSError:  # whoever asked has gone
                    return
                return
            status, media, content, more = gateway.answer(self)
            body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            etag = gateway.etag(body)
            same = status == 200 and self.headers.get("If-None-Match") == etag
            self.send_response(304 if same else status)
            fixed = {"Content-Type": media, "ETag": etag, "Cache-Control": "max-age=60"}
            for name, value in {**(fixed if status == 200 else {"Content-Type": media}), **more}.items():
                self.send_header(name, value)
            if not same:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD" and not same:
                self.wfile.write(body)

        def do_GET(self) -> None:
            self.handle_one()

        def do_HEAD(self) -> None:
            self.handle_one()

        def do_POST(self) -> None:
            self.handle_one()

        def do_DELETE(self) -> None:
            self.handle_one()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def index(*links: dict[str, str]) -> Callable[[Foreign, BaseHTTPRequestHandler], Answer]:
    """The answer to /discover."""
    content = {"protocolVersion": "1", "id": PRODUCT_ID, "name": "wind", "title": "Wind", "links": list(links)}
    return lambda own, asked: (200, JSON, content, {})


def minimal() -> Foreign:
    """Serves /discover and nothing else."""
    return Foreign({"/discover": index(link("self", "/discover"))})


def artifact(**changes: Any) -> dict[str, Any]:
    """One artifact as it is listed."""
    own = f"/things/{PORT_ID}"
    links = [
        link("self", own),
        link("contract", "/terms"),
        link("sample", f"{own}/rows"),
        link("download", f"{own}.csv"),
    ]
    return {"id": PORT_ID, "name": "wind", "title": "Wind", "kind": "table", "accessRights": "open", "links": links} | {
        "contractId": "wind", **changes,
    }  # fmt: skip


def sample(own: Foreign, asked: BaseHTTPRequestHandler) -> Answer:
    """Two rows, or as many as are asked for."""
    limit = asked.path.partition("limit=")[2] or "100"
    if not (limit.isdigit() and 1 <= int(limit) <= 100):
        return problem(400, "Bad limit")
    rows = [[1.5], [2.5]][: int(limit)]
    return 200, JSON, {"artifactId": PORT_ID, "columns": ["ms"], "rows": rows, "hasMore": len(rows) < 2}, {}


def health(own: Foreign, asked: BaseHTTPRequestHandler) -> Answer:
    """In health."""
    checks = {"wind:up": [{"status": "pass"}]}
    return 200, "application/health+json", {"status": "pass", "serviceId": PRODUCT_ID, "checks": checks}, {}


def metrics(own: Foreign, asked: BaseHTTPRequestHandler) -> Answer:
    """Counts what it was asked."""
    if "text/plain" in asked.headers.get("Accept", ""):
        return 200, "text/plain; version=0.0.4", f"wind_requests_total {own.requests}\n", {}
    content = {"started": WHEN, "uptimeSeconds": 1, "requests": {"total": own.requests}, "latencyMs": {}, "served": {}}
    return 200, JSON, {**content, "volume": {}, "freshness": {}}, {}


def result(own_id: str) -> dict[str, str]:
    """One OORS result."""
    return {"id": own_id, "type": "check", "name": "Speed", "status": "pass"}


def results(*ids: str) -> Callable[[Foreign, BaseHTTPRequestHandler], Answer]:
    """OORS results."""
    content: dict[str, Any] = {"apiVersion": "v0.8.1", "kind": "ObservabilityResults", "id": "r", "observedAt": WHEN}
    content |= {"source": {"process": "wind"}, "results": [result(own) for own in ids]}
    return lambda own, asked: (200, JSON, content, {})


def report(*met: bool, status: str = "OK") -> Callable[[Foreign, BaseHTTPRequestHandler], Answer]:
    """A certification report."""
    policies = [{"id": f"p{n}", "name": "Open", "met": one, "message": "Seen."} for n, one in enumerate(met)]
    content = {"id": "c", "productId": PRODUCT_ID, "status": status, "evaluatedAt": WHEN, "policies": policies}
    return lambda own, asked: (200, JSON, content, {})


def certified(own: Foreign, asked: BaseHTTPRequestHandler) -> Answer:
    """The status that goes with the report."""
    content = {"status": "OK", "evaluatedAt": WHEN, "policies": 1, "met": 1, "reportId": "c"}
    return 200, JSON, content, {}


def refusing(own: Foreign, asked: BaseHTTPRequestHandler) -> Answer:
    """Takes no subscription."""
    return problem(403, "No subscriptions")


class Complete(Foreign):
    """Everything up to `certifiable`, at addresses of its own choice, so that only its links lead anywhere."""

    def __init__(self, **changes: Callable[[Foreign, BaseHTTPRequestHandler], Answer]) -> None:
        rels = {
            "self": "/discover", "service-desc": "/api", "metadata": "/about", "artifacts": "/things",
            "health": "/pulse", "metrics": "/numbers", "results": "/quality", "subscriptions": "/hooks",
            "certification-status": "/seal", "certification-report": "/proof", "certification-subscriptions": "/hooks",
        }  # fmt: skip
        own = f"/things/{PORT_ID}"
        routes: Routes = {
            "index": index(*(link(rel, href) for rel, href in rels.items())),
            "openapi": lambda own, asked: (200, JSON, {"openapi": "3.1.0", "paths": {"/discover": {}}}, {}),
            "odps": standard(ODPS),
            "artifacts": lambda own, asked: (200, JSON, {"productId": PRODUCT_ID, "artifacts": [artifact()]}, {}),
            "artifact": lambda own, asked: (200, JSON, artifact(port=PORT, contract=CONTRACT), {}),
            "contract": standard(CONTRACT),
            "sample": sample,
            "health": health,
            "metrics": metrics,
            "results": results("a", "b"),
            "status": certified,
            "report": report(True),
            **changes,
        }
        super().__init__(
            {
                "/discover": routes["index"], "/api": routes["openapi"], "/about": routes["odps"],
                "/things": routes["artifacts"], own: routes["artifact"], "/terms": routes["contract"],
                f"{own}/rows": routes["sample"], "/pulse": routes["health"], "/numbers": routes["metrics"],
                "/quality": routes["results"], "/seal": routes["status"], "/proof": routes["report"],
            }
        )  # fmt: skip

    def answer(self, asked: BaseHTTPRequestHandler) -> Answer:
        """As any, and a refusal of subscriptions."""
        if asked.path == "/hooks":
            self.requests += 1
            return refusing(self, asked)
        return super().answer(asked)


class TenWrongs(Complete):
    """Wrong in ten ways, each of which a report must name."""

    NAMED = {
        "listed": {
            "the index has a strong ETag",
            "an unknown address is refused",
            "the refusal says which methods there are",
        },
        "described": {
            "the ODPS document is valid by the published schema",
            "the contract of wind is the same as YAML",
            "the sample of wind has a cell for each column, at most 100 rows",
        },
        "observable": {
            "health is 503 when it fails and only then",
            "the metrics are there as Prometheus text",
            "each result has an id of its own",
        },
        "certifiable": {"the report is OK when all policies are met and only then"},
    }

    def __init__(self) -> None:
        super().__init__(
            odps=standard({**ODPS, "status": 7}),
            contract=lambda own, asked: (
                (
                    200,
                    *(("application/yaml", "kind: Other\n") if wants_yaml(asked) else (JSON, CONTRACT)),
                    {},
                )
                if "0.0.0" not in asked.path
                else problem(404, "No such version")
            ),
            sample=self.ragged,
            health=self.failing,
            metrics=self.no_text,
            results=results("a", "a"),
            report=report(False),
        )

    def answer(self, asked: BaseHTTPRequestHandler) -> Answer:
        status, media, content, more = super().answer(asked)
        weak = {"ETag": 'W/"x"'} if asked.path == "/discover" and status == 200 else {}
        return status, media, content, {**more, **weak}

    def unknown(self, path: str) -> Answer:
        return super().unknown(path) if path.startswith("/things/") else (404, "text/html", "<h1>Not here</h1>", {})

    def wrong_method(self) -> Answer:
        return problem(405, "Method not allowed")

    @staticmethod
    def ragged(own: Foreign, asked: BaseHTTPRequestHandler) -> Answer:
        status, media, content, more = sample(own, asked)
        if status == 200:
            content["rows"][0].append(9)
        return status, media, content, more

    @staticmethod
    def failing(own: Foreign, asked: BaseHTTPRequestHandler) -> Answer:
        content = {"status": "fail", "serviceId": PRODUCT_ID, "checks": {"wind:up": [{"status": "fail"}]}}
        return 200, "application/health+json", content, {}

    @staticmethod
    def no_text(own: Foreign, asked: BaseHTTPRequestHandler) -> Answer:
        status, media, content, more = metrics(own, asked)
        return status, media, "requests = many\n" if isinstance(content, str) else content, more


class Raw:
    """Says whatever it wants on the connection. `write` gets a function that sends bytes."""

    def __init__(self, write: Callable[[Callable[[bytes], Any]], None]) -> None:
        self.write = write

    def raw(self, connection: Any) -> None:
        """Answer one request."""

        def send(part: bytes) -> None:
            connection.write(part)
            connection.flush()

        self.write(send)
