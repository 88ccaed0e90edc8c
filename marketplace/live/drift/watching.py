"""Watches one refresh for contracts that changed, at almost no cost where none did."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from itertools import islice
from typing import Any

import structlog
from django.db import DatabaseError

from .. import cache
from ..cache import CacheDownError
from ..record import Record
from ..view import ArtifactsView, ContractListView, ContractView
from . import noticing
from .noticing import Offer

log = structlog.get_logger(__name__)

CONFIRM_SECONDS = 24 * 3600  # how often it is looked at anew where nothing changed, so that Redis keeps the contract
MAX_ARTIFACTS = 100  # of a product, with columns of their own


class Watch:
    """One refresh of a registered product. `asked_at`: epoch seconds before the first question was asked."""

    def __init__(self, product_id: int, subject: str, asked_at: float) -> None:
        self.product_id = product_id
        self.subject = subject
        self._asked_at = asked_at
        self._record = Record()
        self._came: dict[str, Any] = {}
        self._held: set[str] = set()
        self._changed = False

    def begin(self, record: Record) -> None:
        """What was known before."""
        self._record = record

    def sees(self, part: str, view: Any) -> bool:
        """An answer came, bounded as the cache keeps it. Tells whether it holds another contract than was known."""
        if not isinstance(view, ContractView | ContractListView | ArtifactsView):
            return False
        self._came[part] = view
        before = self._record.seen.get(part)
        known = before.view if before else None
        changed = view is not known and _promises(view) != _promises(known)
        self._changed = self._changed or changed
        return changed

    def holds(self, part: str) -> None:
        """The answer that was known before still holds."""
        self._held.add(part)

    def offer(self) -> Offer | None:
        """What drift is to be looked for in; None where nothing changed."""
        known = self._record.noticed_at
        if not (self._changed or known is None or time.time() - known > CONFIRM_SECONDS):
            return None
        offered, complete = self._offered()
        if not offered:
            return None
        before = [seen.view for seen in self._record.seen.values() if seen.kind == ContractView.__name__]
        artifacts = self._record.seen.get("artifacts")
        before += of_artifacts(artifacts.view) if artifacts else []
        return Offer(self.product_id, offered, before, complete=complete, asked_at=self._asked_at)

    def _offered(self) -> tuple[list[ContractView], bool]:
        """The contracts offered now, one that did not answer as last seen; and whether these are all."""
        listing = self._came.get("contracts")
        artifacts = of_artifacts(self._known("artifacts") if "artifacts" in self._held else self._came.get("artifacts"))
        if not isinstance(listing, ContractListView):
            return artifacts, False
        views = [self._came.get(ref.part) or self._known(ref.part) for ref in listing.refs]
        found = [view for view in views if isinstance(view, ContractView)]
        return found + artifacts, len(found) == len(views) and not listing.left_out

    def _known(self, part: str) -> Any:
        seen = self._record.seen.get(part)
        return seen.view if seen else None


def finish(watches: Iterable[Watch]) -> None:
    """Notices what changed, where anything did. Never raises: what fails is done by the next refresh."""
    offers = {watch.subject: offer for watch in watches if (offer := watch.offer())}
    if not offers:
        return
    try:
        noticing.notice(list(offers.values()))
    except DatabaseError:
        log.exception("drift.not_noticed", products=[offer.product_id for offer in offers.values()])
        return
    with contextlib.suppress(CacheDownError):
        cache.mark_noticed(offers, time.time())


def _promises(view: Any) -> Any:
    """What of an answer can drift; an artifact's time of change, for one, cannot."""
    return of_artifacts(view) if isinstance(view, ArtifactsView) else view


def of_artifacts(view: Any) -> list[ContractView]:
    """Artifacts that say their columns themselves, as contracts."""
    if not isinstance(view, ArtifactsView):
        return []
    with_columns = (artifact for artifact in view.artifacts if artifact.schemas)
    return [
        ContractView(
            standard="",
            id=f"{noticing.ARTIFACT}{artifact.id}",
            name=artifact.title or artifact.name,
            version=artifact.version,
            schemas=artifact.schemas,
        )
        for artifact in islice(with_columns, MAX_ARTIFACTS)
    ]
