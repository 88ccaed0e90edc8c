"""Level `consumable`: download with ranges, read-only queries, orders; and what is refused without a grant."""

import base64
import json
import time
from collections.abc import Mapping

from gateway.commands.conformance.asking import Answer
from gateway.commands.conformance.examination import Examination
from gateway.protocol import MEDIA_JSON, ArtifactSummary

HEAD_BYTES = 1_000_000
FORBIDDEN = {
    "reads a file": "SELECT * FROM read_text('/etc/passwd')",
    "attaches a database": "ATTACH '/tmp/conformance.db' AS other",
    "writes a file": "COPY (SELECT 1) TO '/tmp/conformance.csv'",
    "installs an extension": "INSTALL httpfs",
    "changes a setting": "SET enable_external_access = true",
    "is two statements": "SELECT 1; DROP TABLE data",
    "is no SQL": "SELEC 1",
}


def consumable(found: Examination) -> None:
    """Each artifact that the listing shows, at most three of them."""
    found.level = "consumable"
    offered = [artifact for artifact in found.artifacts if _address(found, artifact)]
    if not offered:
        found.note("missing", "an artifact can be consumed", "GET /consume/{artifact}", "no artifact has an address")
        return
    for artifact in offered[:3]:
        _artifact(found, artifact, _address(found, artifact) or "")


def _address(found: Examination, artifact: ArtifactSummary) -> str | None:
    for rel in ("download", "consume", "data"):
        url = found.href(artifact, rel, found.base)
        if url:
            return url
    if any(path.startswith("/consume/{") for path in found.paths):
        return f"{found.root}/consume/{artifact.id}"
    return None


def _artifact(found: Examination, artifact: ArtifactSummary, url: str) -> None:
    what = f"artifact {artifact.name}"
    _tokens(found, what, url, open_=artifact.access_rights == "open")
    free = found.asker.ask(url, limit=HEAD_BYTES)
    if artifact.access_rights != "open":
        found.challenge(f"{what}, which is not open, needs a grant", free)
        if not found.token:
            return
    first = found.asker.ask(url, token=found.token, limit=HEAD_BYTES)
    if artifact.access_rights != "open" and first.status == 403:
        found.refusal(f"{what} is refused to this token", first, 403)
        return
    if not found.expect(f"{what} can be downloaded", first.status == 200, "200", first, url):
        return
    _ranges(found, what, url, first)
    _queries(found, what, url)


def _ranges(found: Examination, what: str, url: str, whole: Answer) -> None:
    if whole.headers.get("accept-ranges") != "bytes":
        return  # made while it is sent, or masked: there is nothing to take a part of
    part = found.asker.ask(url, headers={"range": "bytes=1-3"}, token=found.token)
    fits = part.status == 206 and part.body == whole.body[1:4] and "content-range" in part.headers
    found.expect(f"a part of {what} can be downloaded", fits, "206 with bytes 1 to 3", part, url)
    beyond = found.asker.ask(url, headers={"range": "bytes=999999999999999-"}, token=found.token, limit=HEAD_BYTES)
    found.refusal(f"a part of {what} beyond its end is refused", beyond, 416)


def _queries(found: Examination, what: str, url: str) -> None:
    if not any(path.startswith("/consume/{") and path.endswith("/query") for path in found.paths):
        found.note("missing", f"{what} can be queried", "POST …/query", "not in the OpenAPI description", url)
        return
    target = url.split("?")[0] + "/query"
    headers = {"content-type": MEDIA_JSON}

    def ask(sql: str) -> Answer:
        return found.asker.ask(
            target, "POST", headers=headers, content=json.dumps({"sql": sql}).encode(), token=found.token
        )

    fine = ask("SELECT 1 AS one")
    try:
        rows = fine.json()["rows"]
    except (ValueError, KeyError, TypeError):
        rows = None
    fits = fine.status == 200 and rows == [[1]]
    found.expect(f"{what} can be queried", fits, "200 with rows [[1]]", rows if fits else fine, target)
    for means, sql in FORBIDDEN.items():
        found.refusal(f"a query of {what} that {means} is refused", ask(sql), 400, 403, 422)


def _tokens(found: Examination, what: str, url: str, *, open_: bool) -> None:
    """Tokens that must not work. An open artifact may answer anyway, as it needs none."""
    now = int(time.time())
    claims: dict[str, object] = {"iss": "https://conformance.invalid", "aud": found.root, "iat": now, "exp": now + 300}
    claims |= {"sub": "conformance", "scope": "consume"}
    none = f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(claims)}."
    for means, token in (("that is none", "nonsense"), ("without a signature", none)):
        answer = found.asker.ask(url, token=token, limit=HEAD_BYTES)
        if open_ and answer.status == 200:
            continue
        found.refusal(f"{what} refuses a token {means}", answer, 401)


def _encoded(part: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
