"""Levels `listed` and `described`: everything under /discover."""

from contextlib import suppress
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit
from uuid import UUID

from gateway.commands.conformance.asking import Answer
from gateway.commands.conformance.examination import Examination
from gateway.documents import DocumentError, parse_yaml, schema_problems
from gateway.protocol import (
    MAX_SAMPLE_ROWS,
    MEDIA_JSON,
    MEDIA_YAML,
    PROTOCOL_VERSION,
    Artifact,
    ArtifactList,
    ArtifactSummary,
    Index,
    Sample,
)

MOST_ARTIFACTS = 20
"""How many artifacts are looked at; the first ones."""
NOBODY = "00000000-0000-4000-8000-000000000000"


def listed(found: Examination, first: Answer) -> None:
    """The index, and how what is not there is refused. `first` is the answer to the index."""
    found.level = "listed"
    found.index = found.document("the index", first, Index, MEDIA_JSON)
    index = found.index
    if index is None:
        return
    version = index.protocol_version
    found.expect("the protocol is ours", version == PROTOCOL_VERSION, PROTOCOL_VERSION, version, found.base)
    named = all(text.strip() for text in (index.id, index.name, index.title))
    found.expect("the product has an id, a name and a title", named, "three texts", index.title or "empty", found.base)
    found.caching("the index", first)
    head = found.asker.ask(found.base, "HEAD")
    same = head.status == 200 and head.etag == first.etag and not head.body
    found.expect("HEAD answers as GET without a body", same, "200, the same ETag, no body", head, found.base)
    nowhere = _beside(found.base, "discover-nothing-here")
    found.refusal("an unknown address is refused", found.asker.ask(nowhere), 404)
    wrong = found.asker.ask(found.base, "DELETE")
    if found.refusal("a wrong method is refused", wrong, 405):
        allow = wrong.headers.get("allow", "")
        found.expect("the refusal says which methods there are", "GET" in allow, "Allow: GET, …", allow or "none")


def described(found: Examination) -> None:
    """The standard documents, the artifacts, their contracts and samples, the OpenAPI description."""
    found.level = "described"
    _openapi(found)
    _metadata(found)
    url = found.need_link("artifacts")
    if url is None:
        return
    answer = found.asker.ask(url, token=found.token)
    listing = found.document("the list of artifacts", answer, ArtifactList, MEDIA_JSON)
    if listing is None:
        return
    found.caching("the list of artifacts", answer)
    found.artifacts = listing.artifacts[:MOST_ARTIFACTS]
    own = found.index.id if found.index else None
    found.expect("the list names its product", listing.product_id == own, f"productId {own}", listing.product_id, url)
    ids = [artifact.id for artifact in listing.artifacts]
    unique = len(set(ids)) == len(ids) and all(_is_uuid(each) for each in ids)
    found.expect("artifact ids are UUIDs, each once", unique, "UUIDs", ", ".join(ids[:3]) or "no artifact", url)
    for artifact in found.artifacts:
        _artifact(found, artifact, url)
    if found.artifacts:
        _unknown_artifact(found, url)


def _beside(url: str, name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rsplit("/", 1)[0] + "/" + name, query=""))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def read_openapi(found: Examination) -> None:
    """Note which calls the gateway says it has. A description that is missing or broken is told at `described`."""
    url = found.link("service-desc")
    if url is not None:
        with suppress(ValueError, KeyError, TypeError):
            found.paths = {str(path) for path in found.asker.ask(url).json()["paths"]}


def _openapi(found: Examination) -> None:
    url = found.need_link("service-desc")
    if url is None:
        return
    answer = found.asker.ask(url)
    try:
        content = answer.json()
        fits = str(content["openapi"]).startswith("3.1") and bool(content["paths"])
        seen = f"openapi {content['openapi']}, {len(content['paths'])} paths"
    except (ValueError, KeyError, TypeError):
        fits, seen = False, str(answer)
    fits = fits and answer.status == 200
    found.expect("there is an OpenAPI 3.1 description", fits, "openapi 3.1 with paths", seen, url)


def standard(found: Examination, what: str, url: str, kind: str) -> dict[str, Any] | None:
    """A document of a published standard: JSON, valid, the same in YAML, cached. None when it cannot be read."""
    answer = found.asker.ask(url, token=found.token)
    if answer.status == 404:
        found.note("missing", f"{what} is answered", f"200 {MEDIA_JSON}", str(answer), url)
        return None
    fits = answer.status == 200 and answer.media_type == MEDIA_JSON
    if not found.expect(f"{what} is answered", fits, f"200 {MEDIA_JSON}", answer, url):
        return None
    try:
        content = answer.json()
        if not isinstance(content, dict) or content.get("kind") != kind:
            raise ValueError(f"not a document of kind {kind}")
        problem = next(iter(schema_problems(content)), None)
    except (ValueError, DocumentError, RecursionError) as error:
        found.expect(f"{what} is valid", False, f"a valid {kind}", error, url)
        return None
    name = f"{what} is valid by the published schema"
    found.expect(name, problem is None, f"a valid {kind}", problem or f"valid, {content.get('apiVersion')}", url)
    found.caching(what, answer)
    as_yaml = found.asker.ask(url, headers={"accept": MEDIA_YAML}, token=found.token)
    try:
        same = as_yaml.media_type == MEDIA_YAML and parse_yaml(as_yaml.body) == content
        seen = str(as_yaml) if as_yaml.media_type != MEDIA_YAML else "the same" if same else "another content"
    except DocumentError as error:
        same, seen = False, str(error)
    found.expect(f"{what} is the same as YAML", same, f"{MEDIA_YAML} with the same content", seen, url)
    return content


def _metadata(found: Examination) -> None:
    url = found.need_link("metadata")
    if url is None:
        return
    content = standard(found, "the ODPS document", url, "DataProduct")
    if content is not None and found.index is not None:
        own = found.index.id
        found.expect("index and ODPS document name the same product", content.get("id") == own, own, content.get("id"))


def _artifact(found: Examination, artifact: ArtifactSummary, at: str) -> None:
    url = found.href(artifact, "self", at)
    what = f"artifact {artifact.name}"
    if url is None:
        found.note("missing", f"{what} links to itself", "a link with rel 'self'", "no such link", at)
        return
    answer = found.asker.ask(url, token=found.token)
    full = found.document(what, answer, Artifact, MEDIA_JSON)
    if full is None:
        return
    found.expect(f"{what} has the id it is listed with", full.id == artifact.id, artifact.id, full.id, url)
    named = full.port.get("name") == artifact.name
    found.expect(f"{what} carries its ODPS output port", named, artifact.name, full.port.get("name"), url)
    _contract(found, full, url)
    sample = found.href(full, "sample", url)
    if sample is not None:
        if full.access_rights != "open":
            what = f"the sample of {artifact.name}, which is not open, needs a grant"
            found.challenge(what, found.asker.ask(sample))
            if not found.token:
                return
        _sample(found, f"the sample of {artifact.name}", sample, artifact.id)


def _contract(found: Examination, full: Artifact, at: str) -> None:
    url = found.href(full, "contract", at)
    if url is None:
        claimed = full.contract is not None or full.contract_id is not None
        if claimed:
            found.note("missing", f"artifact {full.name} links to its contract", "rel 'contract'", "no such link", at)
        return
    content = standard(found, f"the contract of {full.name}", url, "DataContract")
    if content is None:
        return
    same = full.contract is None or full.contract == content
    found.expect(
        f"artifact {full.name} carries that contract", same, "the same document", "as asked" if same else "another", at
    )
    parts = urlsplit(url)
    other = urlunsplit(parts._replace(query="version=0.0.0-none"))
    found.refusal(f"an unknown version of the contract of {full.name} is refused", found.asker.ask(other), 404)


def _sample(found: Examination, what: str, url: str, artifact_id: str) -> None:
    answer = found.asker.ask(url, token=found.token)
    if answer.status == 403:
        found.refusal(f"{what} is refused to this token", answer, 403)
        return
    sample = found.document(what, answer, Sample, MEDIA_JSON)
    if sample is None:
        return
    found.expect(f"{what} names its artifact", sample.artifact_id == artifact_id, artifact_id, sample.artifact_id, url)
    widths = {len(row) for row in sample.rows}
    fits = widths <= {len(sample.columns)} and len(sample.rows) <= MAX_SAMPLE_ROWS
    seen = f"{len(sample.columns)} columns, rows of {sorted(widths) or 'none'}, {len(sample.rows)} rows"
    found.expect(f"{what} has a cell for each column, at most {MAX_SAMPLE_ROWS} rows", fits, "such rows", seen, url)
    if len(sample.rows) > 1:
        one = found.asker.ask(f"{url}?limit=1", token=found.token)
        try:
            count, more = len(one.json()["rows"]), one.json()["hasMore"]
        except (ValueError, KeyError, TypeError):
            count, more = -1, None
        seen = f"{count} rows, hasMore {more}" if count >= 0 else str(one)
        found.expect(f"{what} keeps to its limit", count == 1 and more is True, "1 row, hasMore true", seen, url)
    for bad in ("0", "101", "x"):
        wrong = found.asker.ask(f"{url}?limit={bad}", token=found.token)
        found.refusal(f"{what} refuses limit={bad}", wrong, 400, 422)


def _unknown_artifact(found: Examination, at: str) -> None:
    url = found.href(found.artifacts[0], "self", at)
    if url and found.artifacts[0].id in url:
        nobody = urljoin(url, url.replace(found.artifacts[0].id, NOBODY))
        found.refusal("an unknown artifact is refused", found.asker.ask(nobody, token=found.token), 404)
