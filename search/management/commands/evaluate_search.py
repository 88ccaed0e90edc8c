"""`manage.py evaluate_search`: how good and how fast the ranking is on questions with known answers."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from search import evaluation
from search.embedder import load_embedder


class Command(BaseCommand):
    help = (
        "Indexes documents in a scratch index and prints nDCG@10, success@1, success@5, recall@5, MRR and latency. "
        "The marketplace's own products are neither read nor changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--documents", required=True, type=Path, help='One {"id", "title", "text"} a line.')
        parser.add_argument("--queries", required=True, type=Path, help='One {"query", "relevant": [ids]} a line.')
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of a table.")

    def handle(self, *args: Any, **options: Any) -> None:
        for path in (options["documents"], options["queries"]):
            if not path.is_file():
                raise CommandError(f"There is no file {path}.")
        try:
            documents = evaluation.read_jsonl(options["documents"], ["id", "title"])
            questions = evaluation.read_jsonl(options["queries"], ["query", "relevant"])
        except evaluation.InputError as error:
            raise CommandError(str(error)) from error
        if not documents or not questions:
            raise CommandError("There must be at least one document and one query.")
        report = evaluation.evaluate(documents, questions, load_embedder(), self._progress)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        else:
            self._table(report)

    def _progress(self, done: int) -> None:
        self.stderr.write(f"{done:,} documents")

    def _table(self, report: evaluation.Report) -> None:
        self.stdout.write(f"{report.documents:,} documents, {report.questions:,} queries")
        self.stdout.write(f"{'':10}{'nDCG@10':>10}{'success@1':>11}{'success@5':>11}{'recall@5':>10}{'MRR':>8}")
        for name in ("vectors", "text", "fused"):
            scores = getattr(report, name)
            self.stdout.write(
                f"{name:10}{scores.ndcg_at_10:10.4f}{scores.success_at_1:11.4f}{scores.success_at_5:11.4f}"
                f"{scores.recall_at_5:10.4f}{scores.mrr:8.4f}"
            )
        took = report.latency
        self.stdout.write(f"latency of a fused query: p50 {took.p50_ms} ms, p95 {took.p95_ms} ms, p99 {took.p99_ms} ms")
