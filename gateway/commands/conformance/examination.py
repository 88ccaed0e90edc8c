"""The state of one examination, and the checks that every part of it makes."""

from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urljoin

from pydantic import ValidationError

from gateway.commands.conformance.asking import Answer, Asker
from gateway.commands.conformance.report import Level, Outcome, Result
from gateway.protocol import MEDIA_PROBLEM, ArtifactSummary, Index, Linked, Problem, Wire

Model = TypeVar("Model", bound=Wire)


def first_fault(error: ValidationError) -> str:
    """The first thing a model has against a document, with its place."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"]) or "the whole"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {fault['msg']}{more}"


@dataclass
class Examination:
    """One gateway under examination. `level` is the one that new results belong to."""

    asker: Asker
    base: str
    token: str | None = None
    level: Level = "listed"
    index: Index | None = None
    paths: set[str] = field(default_factory=set)
    """The paths of the gateway's OpenAPI description."""
    artifacts: list[ArtifactSummary] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def note(self, outcome: Outcome, check: str, expected: str, seen: str, url: str | None = None) -> bool:
        """Record a result; whether it holds."""
        result = Result(level=self.level, check=check, outcome=outcome, expected=expected, seen=seen[:500], url=url)
        self.results.append(result)
        return outcome == "holds"

    def expect(self, check: str, holds: bool, expected: str, seen: object, url: str | None = None) -> bool:
        """Record that something holds, or is wrong."""
        return self.note("holds" if holds else "wrong", check, expected, str(seen), url)

    def href(self, source: Linked | None, rel: str, at: str) -> str | None:
        """The absolute address behind a relation."""
        found = source.href(rel) if source else None
        return urljoin(at, found) if found else None

    def link(self, rel: str) -> str | None:
        """The absolute address behind a relation of the index."""
        return self.href(self.index, rel, self.base)

    @property
    def root(self) -> str:
        """The gateway's base address."""
        return self.base.removesuffix("/discover")

    def place(self, rel: str, path: str) -> str | None:
        """The address of a call, behind a link of the index or where OpenAPI says; records its absence."""
        found = self.link(rel) or (f"{self.root}{path}" if path in self.paths else None)
        if found is None:
            self.note("missing", f"{path} is there", f"a link '{rel}', or {path} in OpenAPI", "neither", self.base)
        return found

    def need_link(self, rel: str) -> str | None:
        """As `link`; records its absence."""
        found = self.link(rel)
        if found is None:
            self.note("missing", f"the index links to {rel}", f"a link with rel '{rel}'", "no such link", self.base)
        return found

    def document(
        self, what: str, answer: Answer, model: type[Model], media_type: str, status: int = 200
    ) -> Model | None:
        """Check status, media type and shape of an answer; the parsed answer, None when it does not fit."""
        if answer.status in (404, 501):
            self.note("missing", f"{what} is answered", f"{status} {media_type}", str(answer), answer.url)
            return None
        expected = f"{status} {media_type}"
        fits = answer.status == status and answer.media_type == media_type and answer.error is None
        if not self.expect(f"{what} is answered", fits, expected, answer, answer.url):
            return None
        try:
            parsed = model.model_validate_json(answer.body, by_alias=True, by_name=False)
        except ValidationError as error:
            self.expect(f"{what} has the right shape", False, model.__name__, first_fault(error), answer.url)
            return None
        self.expect(f"{what} has the right shape", True, model.__name__, model.__name__, answer.url)
        return parsed

    def caching(self, what: str, answer: Answer, *, exact: bool = True) -> None:
        """Check that an answer has a strong ETag and Cache-Control, and that 304 follows.

        Args:
            exact: the document does not change by itself, so 304 must follow.
        """
        strong = answer.etag.startswith('"') and answer.etag.endswith('"') and len(answer.etag) > 2
        self.expect(f"{what} has a strong ETag", strong, 'ETag: "…"', answer.etag or "no ETag", answer.url)
        cache = answer.headers.get("cache-control", "")
        self.expect(f"{what} says how long it is fresh", bool(cache), "Cache-Control", cache or "none", answer.url)
        if not (strong and exact):
            return
        again = self.asker.ask(answer.url, headers={"if-none-match": answer.etag}, token=self.token)
        fits = again.status == 304 and not again.body
        self.expect(f"{what} answers 304 to its ETag", fits, "304 without a body", again, answer.url)

    def refusal(self, what: str, answer: Answer, *statuses: int) -> bool:
        """Check that an answer is a problem document with one of these statuses, saying the same status itself."""
        wanted = " or ".join(map(str, statuses))
        expected = f"{wanted} {MEDIA_PROBLEM} (RFC 9457)"
        if answer.status not in statuses or answer.media_type != MEDIA_PROBLEM:
            return self.expect(what, False, expected, answer, answer.url)
        try:
            problem = Problem.model_validate_json(answer.body, by_alias=True, by_name=False)
        except ValidationError as error:
            return self.expect(what, False, expected, f"problem document: {first_fault(error)}", answer.url)
        if problem.status != answer.status:
            return self.expect(what, False, expected, f"status {problem.status} in a {answer.status}", answer.url)
        leaked = b"Traceback (most recent call last)" in answer.body
        return self.expect(what, not leaked, expected, "a stack trace" if leaked else problem.title, answer.url)

    def challenge(self, what: str, answer: Answer) -> None:
        """Check that a refusal for want of a grant is a 401 problem that names Bearer."""
        if self.refusal(what, answer, 401):
            how = answer.headers.get("www-authenticate", "")
            name = f"{what}, saying how to authenticate"
            self.expect(name, how.lower().startswith("bearer"), "WWW-Authenticate: Bearer", how or "none", answer.url)
