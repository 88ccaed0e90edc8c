"""Adds a domain to the tree."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry import services
from registry.models import Domain


class Command(BaseCommand):
    """manage.py create_domain SLUG TITLE [--parent SLUG] [--summary TEXT]"""

    help = "Adds a domain to the tree. Its slug becomes part of the address of every product in it."

    def add_arguments(self, parser: CommandParser) -> None:
        """The domain's facts."""
        parser.add_argument("slug", help="small letters, digits and hyphens; unique in the mesh")
        parser.add_argument("title", help="as people read it")
        parser.add_argument("--parent", default="", help="slug of the domain above")
        parser.add_argument("--summary", default="", help="one sentence")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with the reason where the domain cannot be."""
        parent = Domain.objects.filter(slug=options["parent"]).first()
        if options["parent"] and parent is None:
            raise CommandError(f"There is no domain {options['parent']!r} to put it below.")
        try:
            domain = services.create_domain(
                options["slug"], options["title"], parent=parent, summary=options["summary"]
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"Domain {domain.path} is there.")
