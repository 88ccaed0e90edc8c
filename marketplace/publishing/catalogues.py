"""Many datasets of one catalogue, published by a worker while the person looks on or leaves."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.text import slugify

from marketplace.accounts.models import Role, Team, User
from marketplace.live import inspection
from marketplace.live.inspection import SuggestedLink, first_sentences
from marketplace.live.view import ListedDataset
from marketplace.publishing.models import OPEN, CatalogueRun, RunState
from marketplace.publishing.registrable import registrable
from registry import events
from registry.models import LISTED, Domain, Link, Product, Rel, Tag
from registry.putting import put
from registry.services import ProductData
from registry.text import plain_text

log = structlog.get_logger(__name__)

CHUNK = 20  # datasets between two signs of progress
STALE = timedelta(seconds=60)  # without a sign of its worker a run may be taken up again
MOST_OPEN = 2  # runs of one person at a time, begun in the last hour: workers are there for everybody

GONE = (
    "What was found in the catalogue is no longer kept. What is published stays; paste the address again to go on "
    "with the rest."
)
CLOSED = "The account that began this is closed."


@dataclass(frozen=True)
class Wanted:
    """How the datasets are to be registered."""

    domain: Domain
    owner: Team
    access_mode: str
    new_tags: bool = False


@transaction.atomic
def begin(person: User, token: str, places: Sequence[str] | None, wanted: Wanted) -> tuple[CatalogueRun, bool]:
    """Writes down what is to be published, all that can be where `places` is None; with whether a worker is
    needed.

    What was sent twice is one run; where that is over, it tries again what was refused or never reached. Raises
    ValidationError where nothing was chosen, the catalogue is gone or the person has MOST_OPEN runs already,
    PermissionDenied for teams of others. Whoever calls wakes a worker after commit.
    """
    if not (person.has_role(Role.ADMIN) or wanted.owner.members.filter(pk=person.pk).exists()):
        raise PermissionDenied(f"You are not in the team {wanted.owner.name}.")
    found = inspection.inspection(token)
    if found.catalogue is None:
        problem = found.problems[0] if found.state == "unavailable" else inspection.EXPIRED
        raise ValidationError(f"{problem.message} {problem.advice}")
    sound = [dataset.place for dataset in found.catalogue.datasets if not dataset.problem]
    chosen = sound if places is None else [place for place in sound if place in set(places)]
    if not chosen:
        raise ValidationError("Choose at least one dataset.")
    broken = [_refused(dataset, dataset.problem) for dataset in found.catalogue.datasets if dataset.problem]
    said = [person.pk, token, chosen, wanted.domain.pk, wanted.owner.pk, wanted.access_mode, wanted.new_tags]
    key = hashlib.sha256(json.dumps(said).encode()).hexdigest()
    User.objects.select_for_update(no_key=True).get(pk=person.pk)  # so that two at once are counted as two
    before = CatalogueRun.objects.filter(key=key).first()
    if before is not None and not (before.is_over and set(before.chosen) - _places(_kept(before))):
        return before, False
    recently = Now() - timedelta(hours=1)
    if CatalogueRun.objects.filter(person=person, state__in=OPEN, created_at__gt=recently).count() >= MOST_OPEN:
        raise ValidationError(
            f"{MOST_OPEN} catalogues of yours are being published already. Send this again when one of them is done."
        )
    if before is not None:
        return _again(before), True
    run = CatalogueRun.objects.create(
        key=key,
        person=person,
        owner=wanted.owner,
        domain=wanted.domain,
        access_mode=wanted.access_mode,
        new_tags=wanted.new_tags,
        url=found.url,
        inspection=token,
        chosen=chosen,
        results=broken,
        total=len(chosen) + len(broken),
    )
    return run, True


def _kept(row: CatalogueRun) -> list[dict[str, Any]]:
    """The results that another try does not change: what was published, and entries that were broken from the start."""
    chosen = set(row.chosen)
    return [result for result in row.results if result["result"] != "refused" or result["place"] not in chosen]


def _places(results: Sequence[dict[str, Any]]) -> set[str]:
    return {result["place"] for result in results}


def _again(row: CatalogueRun) -> CatalogueRun:
    """Has a run that is over wait for a worker once more, for what was refused or never reached."""
    row.results = _kept(row)
    CatalogueRun.objects.filter(pk=row.pk).update(
        results=row.results,
        state=RunState.QUEUED,
        problem="",
        created_at=Now(),  # its page says how long this try took, and it counts among the open ones
        beat_at=None,
        done_at=None,
    )
    row.refresh_from_db()
    return row


def run(pk: int) -> None:
    """Publishes what is left of a run, each dataset as a whole or not at all. Waits; for workers only.

    Two workers never share a run, and one that was stopped half way is gone on with: what is done is not done again.
    Some 20 ms a dataset.
    """
    if not _claim(pk):
        return
    row = CatalogueRun.objects.select_related("person", "owner", "domain").get(pk=pk)
    if not row.person.is_active:
        _stop(pk, CLOSED)
        return
    found = inspection.inspection(row.inspection)
    if found.state in ("unavailable", "waiting"):
        return  # Redis does not answer: taken up again once this worker's sign is STALE
    listed = found.catalogue
    if listed is None:
        _stop(pk, GONE)
        return
    chosen = set(row.chosen) - _places(row.results)
    remaining = [dataset for dataset in listed.datasets if dataset.place in chosen]
    tags = None if row.new_tags else set(Tag.objects.values_list("slug", flat=True))
    elsewhere = _published_before(row, remaining)
    for start in range(0, len(remaining), CHUNK):
        chunk = remaining[start : start + CHUNK]
        with events.woken_once():
            results = [_one(row, dataset, tags, elsewhere) for dataset in chunk]
        row.results = [*row.results, *results]
        CatalogueRun.objects.filter(pk=pk).update(results=row.results, beat_at=Now())
    lost = chosen - {dataset.place for dataset in remaining}
    row.results += [{"place": place, "title": "", "result": "refused", "urn": "", "reason": GONE} for place in lost]
    CatalogueRun.objects.filter(pk=pk).update(results=row.results, state=RunState.DONE, done_at=Now(), beat_at=Now())


def _stop(pk: int, problem: str) -> None:
    CatalogueRun.objects.filter(pk=pk).update(state=RunState.FAILED, problem=problem, done_at=Now())


def _claim(pk: int) -> bool:
    """Whether this worker may go on with the run: nobody else shows signs of being at it."""
    idle = Q(beat_at=None) | Q(beat_at__lt=Now() - STALE)
    free = CatalogueRun.objects.filter(idle, pk=pk, state__in=OPEN)
    return bool(free.update(state=RunState.RUNNING, beat_at=Now()))


def _published_before(row: CatalogueRun, remaining: Sequence[ListedDataset]) -> dict[str, Product]:
    """Products that have one of these datasets as their discovery link, by its address. Two queries."""
    links = (
        Link.objects.filter(rel=Rel.DISCOVERY, url__in=[dataset.url for dataset in remaining])
        .filter(Q(product__lifecycle__in=LISTED) | Q(product__owner=row.owner))
        .select_related("product__domain", "product__owner")
    )
    return {link.url: link.product for link in links}


def _one(
    row: CatalogueRun, dataset: ListedDataset, tags: set[str] | None, elsewhere: dict[str, Product]
) -> dict[str, Any]:
    """Publishes one dataset, in a transaction of its own; what became of it."""
    address = row.domain.slug, dataset.name
    before = elsewhere.get(dataset.url)
    if before is not None and (before.domain.slug, before.name) != address:
        return {**_refused(dataset, "It is published already."), "result": "already", "urn": before.urn}

    def data_from(product: Product | None) -> ProductData:
        links = registrable([SuggestedLink(Rel.DISCOVERY, dataset.url), *_documents(dataset)])
        if product is not None and all(link.url != dataset.url for link in product.links.all()):
            raise ValidationError(
                f"urn:dp:{address[0]}:{address[1]} is another product. Publish this dataset by itself, under another "
                "name."
            )
        return ProductData(
            domain=address[0],
            name=address[1],
            title=dataset.title,
            summary=plain_text(first_sentences(dataset.description)),
            type=product.type if product else "",
            tags=[tag for tag in dataset.tags if tags is None or slugify(tag)[:63].strip("-") in tags],
            access_mode=product.access_mode if product else row.access_mode,
            links=links,
        )

    try:
        done = put(row.person, address, data_from, owner=row.owner.slug)
    except ValidationError as error:
        return _refused(dataset, " ".join(error.messages))
    except PermissionDenied as error:
        return _refused(dataset, str(error))
    except (DataError, IntegrityError):  # by this one alone, and not to be tried for ever
        log.exception("publishing.dataset_failed", run=row.pk, place=dataset.place)
        return _refused(dataset, "The registry could not take it. This is a fault of the marketplace, and was logged.")
    return {**_refused(dataset, ""), "result": done.result, "urn": done.product.urn}


def _documents(dataset: ListedDataset) -> list[SuggestedLink]:
    return [
        SuggestedLink(Rel.DOCUMENTATION, link.url, "", link.description or link.type or "")
        for link in dataset.documentation
    ]


def _refused(dataset: ListedDataset, reason: str) -> dict[str, Any]:
    return {"place": dataset.place, "title": dataset.title, "result": "refused", "urn": "", "reason": reason}


def runs_of(person: User) -> QuerySet[CatalogueRun]:
    """The runs that a person may read: their own, and those of their teams; administrators read all."""
    found = CatalogueRun.objects.select_related("owner", "domain", "person")
    if person.has_role(Role.ADMIN):
        return found
    return found.filter(Q(person=person) | Q(owner__in=person.teams.all())).distinct()


def idle() -> QuerySet[CatalogueRun]:
    """The runs that are not over and that no worker is at, so that one may be woken again."""
    unattended = Q(beat_at__lt=Now() - STALE) | Q(beat_at=None, created_at__lt=Now() - timedelta(seconds=10))
    return CatalogueRun.objects.filter(unattended, state__in=OPEN)


def is_idle(row: CatalogueRun) -> bool:
    """Whether this run is one of them. One query."""
    return idle().filter(pk=row.pk).exists()
