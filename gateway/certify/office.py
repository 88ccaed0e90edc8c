"""Evaluates the policies after each measurement and each change of the documents, and keeps the last reports."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from gateway.certify.evaluation import Facts, evaluate
from gateway.config import GatewayConfig
from gateway.ingestcounts import totals
from gateway.observatory import Observatory
from gateway.observe import health_of
from gateway.protocol import CertificationReport, ObservabilityResults
from gateway.quality.results import quality_of
from gateway.state import State

REPORTS = "certification-report"

Listener = Callable[[CertificationReport | None, CertificationReport], None]


class CertificationOffice:
    """The certification of one product. Methods may be called from any thread; `report` and `evaluate` block.

    Args:
        listeners: called with the report before (None at first) and the new one, in the thread that evaluated.
    """

    def __init__(self, observatory: Observatory, state: State, config: Callable[[], GatewayConfig]) -> None:
        self.observatory = observatory
        self.state = state
        self.config = config
        self.listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._basis: object = None
        observatory.listeners.append(self._on_results)

    def _on_results(self, before: ObservabilityResults | None, now: ObservabilityResults) -> None:
        self.evaluate()

    def last(self) -> CertificationReport | None:
        """The newest report kept."""
        entries = self.state.entries(REPORTS, limit=1)
        return CertificationReport.model_validate(entries[0].value) if entries else None

    def find(self, report_id: str) -> CertificationReport | None:
        """A kept report by id."""
        found = (entry.value for entry in self.state.entries(REPORTS, limit=10_000) if entry.value["id"] == report_id)
        return next((CertificationReport.model_validate(value) for value in found), None)

    def ids(self) -> list[str]:
        """Ids of the reports kept, newest first."""
        return [entry.value["id"] for entry in self.state.entries(REPORTS, limit=10_000)]

    def report(self) -> CertificationReport:
        """The report of the state as it is: the last one, or a new one when documents, settings or results changed.

        Before the first measurement it is one that is not kept: nothing was measured that could be met.
        """
        if self.observatory.last() is None:
            return self._evaluated()
        last = self.last()
        return last if last and self._basis == self._now() else self.evaluate()

    def _now(self) -> object:
        results = self.observatory.last()
        return (id(self.observatory.live.snapshot), self.config().policies, results.id if results else None)

    def evaluate(self) -> CertificationReport:
        """Judge all policies now and keep the report. Reads the first row of each data file."""
        with self._lock:
            before, basis = self.last(), self._now()
            report = self._evaluated()
            keep = self.config().observe.keep_reports
            self.state.append(REPORTS, report.model_dump(mode="json"), keep=keep)
            self._basis = basis
        for listener in self.listeners:
            listener(before, report)
        return report

    def _evaluated(self) -> CertificationReport:
        live, measured, now = self.observatory.live, self.observatory.last(), datetime.now(UTC)
        results = self.observatory.shown()
        product = live.snapshot.product
        facts = Facts(product, health_of(live, self.observatory.known()), results, now)
        policies = evaluate(self.config().policies, facts)
        return CertificationReport(
            id=str(uuid.uuid4()),
            product_id=product.odps.content["id"],
            product_version=product.odps.content.get("version"),
            status="OK" if policies and all(policy.met for policy in policies) else "NOT COMPLIANT",
            evaluated_at=now,
            policies=policies,
            quality=quality_of(results),
            results_id=measured.id if measured else None,
            ingest=totals(self.state),
        )
