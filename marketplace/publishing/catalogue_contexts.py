"""What the templates of publishing a catalogue get: rows in their final shape."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from marketplace.live.inspection import first_sentences
from marketplace.live.view import CatalogueView
from marketplace.publishing.models import CatalogueRun, RunState
from registry.models import Domain

POLL_MS = 700
PUBLISHED = ("created", "updated", "unchanged")


@dataclass(frozen=True)
class DatasetRow:
    """One line of the checklist."""

    number: int
    title: str
    text: str
    place: str
    problem: str
    chosen: bool


def checklist(catalogue: CatalogueView, url: str, chosen: set[int]) -> dict[str, Any]:
    """The catalogue as a list to choose from: what can be published, and what cannot with the reason."""
    rows = [
        DatasetRow(
            number, dataset.title or "Without a title", first_sentences(dataset.description, 1)[:240], dataset.place,
            dataset.problem, number in chosen,
        )
        for number, dataset in enumerate(catalogue.datasets)
    ]  # fmt: skip
    return {
        "url": url,
        "standard": catalogue.standard,
        "rows": [row for row in rows if not row.problem],
        "broken": [row for row in rows if row.problem],
        "left_out": catalogue.left_out,
        "words": "; ".join(f"{row.title}: {row.text}" for row in rows if not row.problem)[:1500],
    }


def likely_domain(catalogue: CatalogueView) -> str | None:
    """The domain that most of the datasets name, where it is one of the mesh. One query."""
    named = Counter(dataset.domain for dataset in catalogue.datasets if dataset.domain)
    known = set(Domain.objects.filter(slug__in=named).values_list("slug", flat=True))
    return next((slug for slug, _ in named.most_common() if slug in known), None)


@dataclass(frozen=True)
class ResultRow:
    """What became of one dataset."""

    place: str
    title: str
    reason: str
    url: str


@dataclass(frozen=True)
class Outcome:
    """The datasets that ended alike."""

    label: str
    rows: Sequence[ResultRow]


OUTCOMES = {
    "refused": "Not published, and why",
    "already": "Published already, under another address",
    "created": "Published",
    "updated": "Brought up to date",
    "unchanged": "Unchanged since last time",
}


def progress(run: CatalogueRun) -> dict[str, Any]:
    """How far a run has come; when it is over, dataset by dataset."""
    counts = Counter(result["result"] for result in run.results)
    published = sum(counts[kind] for kind in PUBLISHED)
    return {
        "run": run,
        "percent": round(100 * len(run.results) / run.total) if run.total else 100,
        "poll_url": "" if run.is_over else reverse("publishing:run", args=[run.uuid]),
        "poll_ms": POLL_MS,
        "waiting": run.state == RunState.QUEUED,
        "sentence": _sentence(run, published, counts),
        "outcomes": _outcomes(run) if run.is_over else [],
    }


def _sentence(run: CatalogueRun, published: int, counts: Counter[str]) -> str:
    if not run.is_over:
        return f"{len(run.results):,} of {run.total:,} are settled."
    seconds = (run.done_at - run.created_at).total_seconds() if run.done_at else 0
    said = [f"{published:,} of {run.total:,} published in {seconds:.0f} s."]
    if counts["already"]:
        said.append(f"{counts['already']:,} were published already.")
    if counts["refused"]:
        said.append(f"{counts['refused']:,} could not be; each says why.")
    return " ".join(said)


def _outcomes(run: CatalogueRun) -> list[Outcome]:
    found = []
    for kind, label in OUTCOMES.items():
        rows = [_result(row) for row in run.results if row["result"] == kind]
        if rows:
            found.append(Outcome(label, rows))
    return found


def _result(row: dict[str, Any]) -> ResultRow:
    url = reverse("catalogue:product", args=row["urn"].split(":")[2:]) if row["urn"] else ""
    return ResultRow(row["place"], row["title"] or "Without a title", row["reason"], url)


@dataclass(frozen=True)
class RunLine:
    """A run in the list on the first page."""

    url: str
    address: str
    text: str
    created_at: Any


def recent(runs: Iterable[CatalogueRun]) -> list[RunLine]:
    """The last runs of a person."""
    return [RunLine(reverse("publishing:run", args=[run.uuid]), run.url, _line(run), run.created_at) for run in runs]


def _line(run: CatalogueRun) -> str:
    counts = Counter(result["result"] for result in run.results)
    published = sum(counts[kind] for kind in PUBLISHED)
    return f"{published:,} of {run.total:,} published" if run.is_over else f"{run.get_state_display()}"
