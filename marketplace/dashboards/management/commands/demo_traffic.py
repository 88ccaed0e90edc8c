"""Searches, clicks and downloads at the running demo."""

from argparse import ArgumentParser
from http.client import HTTPException
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from marketplace.dashboards import traffic

MOST = 500


class Command(BaseCommand):
    """manage.py demo_traffic"""

    help = "Lets people search, click and download at the running demo, so that dashboards show real figures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The usual address is that of `make run`."""
        parser.add_argument("--url", default=settings.PUBLIC_URL, help="The running demo, on this machine.")
        parser.add_argument("--people", type=int, default=40, help=f"How many; {MOST} at most.")
        parser.add_argument("--seed", type=int, default=1, help="Another number brings other people.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError while the demo is off, and for addresses that are not on this machine."""
        url, people = options["url"], options["people"]
        if not settings.DEMO:
            raise CommandError("The demo is off. Set DEMO=1: real dashboards show what real people do.")
        if not 1 <= people <= MOST:
            raise CommandError(f"--people is {people}; it must be from 1 to {MOST}.")
        try:
            counts = traffic.browse(url, people, options["seed"])
        except traffic.NotLoopbackError as error:
            raise CommandError(f"{error} This command visits demos on this machine only.") from error
        except (OSError, HTTPException) as error:
            raise CommandError(f"Nobody answers at {url} ({error}). Start the demo with `make run`.") from error
        told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "nothing"
        self.stdout.write(f"{people} people: {told}. See {url}/dashboard/producer/ in ten seconds.")
