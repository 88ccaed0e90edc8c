"""`manage.py reindex`: makes the search index again from the registry."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from registry.models import Product
from search import indexer
from search.models import Document
from search.tasks import enqueue_embedding


class Command(BaseCommand):
    help = "Brings the search index in line with the registry; vectors are made by the embed worker. Searching goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--vectors", action="store_true", help="Make all vectors again, too.")

    def handle(self, *args: Any, **options: Any) -> None:
        total = Product.objects.count()
        for done in indexer.reindex():
            self.stderr.write(f"{done:,} of {total:,} products indexed")
        if options["vectors"]:
            Document.objects.update(embedded_hash="")
        enqueue_embedding()
        self.stdout.write(f"{Document.objects.count():,} products are searchable.")
