"""Measures the ranking on documents and questions with known answers, in a scratch index that nobody else sees."""

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils.text import slugify

from marketplace.accounts.models import Team
from registry.models import AccessMode, Domain, Lifecycle, Product
from search import glossary, indexer, question, remembered, vocabulary
from search.embedder import Embedder
from search.queries import rank
from search.ranking import Filters, Legs

# Temporary tables hide those of the same name for this connection, so that indexing and searching run as they are.
TABLES = (
    "accounts_team",
    "registry_domain",
    "registry_tag",
    "registry_product",
    "registry_product_tags",
    "search_document",
    "search_word",
)
BATCH = 256


class InputError(ValueError):
    """A file that cannot be used; the message says which line and why."""


@dataclass(frozen=True)
class Scores:
    """Means over the questions, 0 to 1."""

    ndcg_at_10: float
    success_at_1: float
    success_at_5: float
    recall_at_5: float
    mrr: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds a question: its vector, its words and the ranking statement."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Report:
    """What `evaluate` found: scores of vectors alone, text alone and both fused; latency of the last."""

    documents: int
    questions: int
    vectors: Scores
    text: Scores
    fused: Scores
    latency: Latency

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read_jsonl(path: Path, required: Sequence[str]) -> list[dict[str, Any]]:
    """The lines of a file. Raises InputError where one is not a JSON object with the fields."""
    rows = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(f"{path.name}, line {number} is not JSON: {error}") from error
            if not isinstance(row, dict) or any(name not in row for name in required):
                raise InputError(f"{path.name}, line {number} needs the fields {', '.join(required)}.")
            rows.append(row)
    return rows


@contextmanager
def scratch_index() -> Iterator[None]:
    """Empty tables of the same shape, for this connection only, gone at the end or when the connection is lost."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING ALL)")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {', '.join(f'pg_temp.{table}' for table in TABLES)}")
        remembered.forget_all()


def fill(documents: Iterable[dict[str, Any]], embedder: Embedder, progress: Callable[[int], None]) -> dict[int, str]:
    """Indexes documents ({id, title, text}) as products; answers their ids by product id. Of equal ids the first."""
    domain = Domain.objects.create(slug="scratch", path="scratch", title="Scratch")
    team = Team.objects.create(slug="scratch", name="Scratch")
    chosen: dict[str, dict[str, Any]] = {}
    for row in documents:
        chosen.setdefault(canonical(row["id"]), row)
    rows = Product.objects.bulk_create(
        [
            Product(
                domain=domain,
                owner=team,
                name=f"{slugify(identifier)[:50]}-{number}",
                title=str(row["title"] or identifier).replace("\x00", "")[:140],
                summary=str(row.get("text") or row.get("contents") or "").replace("\x00", ""),
                lifecycle=Lifecycle.PUBLISHED,
                access_mode=AccessMode.OPEN,
            )
            for number, (identifier, row) in enumerate(chosen.items())
        ],
        batch_size=1000,
    )
    ids = {product.pk: identifier for product, identifier in zip(rows, chosen, strict=True)}
    for done in indexer.reindex():
        progress(done)
    vocabulary.learn()
    done = 0
    while made := indexer.embed_stale(embedder, BATCH):
        done += made
        progress(done)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE search_document")
    remembered.forget_all()
    return ids


def canonical(identifier: object) -> str:
    """Ids are compared with spaces as underscores."""
    return str(identifier).strip().replace(" ", "_")


def evaluate(
    documents: Iterable[dict[str, Any]],
    questions: Sequence[dict[str, Any]],
    embedder: Embedder,
    progress: Callable[[int], None] = lambda done: None,
) -> Report:
    """Fills a scratch index and asks every question three ways. About 20 ms a document and 20 ms a question."""
    with scratch_index():
        ids = fill(documents, embedder, progress)
        judged: dict[str, list[Scores]] = {"vectors": [], "text": [], "fused": []}
        times = []
        for row in questions:
            relevant = {canonical(identifier) for identifier in row["relevant"]}
            started = time.perf_counter()
            legs = _legs(str(row["query"]), embedder)
            found = [ids[hit.product_id] for hit in rank(legs, Filters())]
            times.append((time.perf_counter() - started) * 1000)
            judged["fused"].append(judge(found, relevant))
            for name, part in (
                ("vectors", replace(legs, key="", terms=(), more=())),
                ("text", replace(legs, vector=None)),
            ):
                judged[name].append(judge([ids[hit.product_id] for hit in rank(part, Filters())], relevant))
    return Report(
        len(ids), len(questions), **{name: _mean(scores) for name, scores in judged.items()}, latency=_latency(times)
    )


def _legs(text: str, embedder: Embedder) -> Legs:
    asked = question.understand(text, meaning=False)
    vector = indexer.vector_literal(embedder.embed([question.embedded(asked.text, glossary.expansions(asked.text))])[0])
    return replace(asked.legs, vector=vector, model=embedder.name)


def judge(found: Sequence[str], relevant: set[str]) -> Scores:
    """The scores of one ranking, relevance being yes or no (nDCG as in Järvelin and Kekäläinen, TOIS 2002)."""
    gains = [identifier in relevant for identifier in found]
    first = next((place for place, gain in enumerate(gains, 1) if gain), 0)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(10, len(relevant)) + 1))
    gained = sum(gain / math.log2(place + 1) for place, gain in enumerate(gains[:10], 1))
    return Scores(
        ndcg_at_10=gained / ideal if ideal else 0.0,
        success_at_1=float(first == 1),
        success_at_5=float(0 < first <= 5),
        recall_at_5=sum(gains[:5]) / len(relevant) if relevant else 0.0,
        mrr=1 / first if first else 0.0,
    )


def _mean(scores: Sequence[Scores]) -> Scores:
    rows = [asdict(row) for row in scores]
    return Scores(**{name: round(sum(row[name] for row in rows) / len(rows), 4) for name in rows[0]})


def _latency(times: Sequence[float]) -> Latency:
    ordered = sorted(times)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95, 0.99)]
    return Latency(*(round(value, 1) for value in at))
