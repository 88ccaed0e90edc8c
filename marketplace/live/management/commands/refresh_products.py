"""`python manage.py refresh_products`: asks every listed product anew and says which do not answer."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.live import services
from marketplace.live.state import LiveProduct
from marketplace.live.sweeping import Sweep
from registry import queries

AT_A_TIME = 1000
_ANSWERED = ("live", "slow")


class Command(BaseCommand):
    """Prints how many answer, how many offer no description, and of each of the others since when and why not."""

    help = (
        "Asks every listed product anew, 64 at once, and prints how many answer and why the others do not. Needs no "
        "worker; what is answered is what pages show from then on."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--domain", help="path of a domain, such as climate/precipitation: it and all below it")
        parser.add_argument("--json", action="store_true", help="print JSON instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for a domain without listed products, and where Redis is away."""
        products = queries.listed().order_by("pk")
        if options["domain"] is not None:
            products = products.filter(queries.in_domain(options["domain"].strip("/")))
        urns = {product.pk: product.urn for product in products}
        if options["domain"] is not None and not urns:
            raise CommandError(f"There is no listed product in {options['domain']!r}. Give the path of a domain.")
        begun = time.monotonic()
        answered, silent, failed = 0, 0, []
        waiting = list(urns)
        for first in range(0, len(waiting), AT_A_TIME):
            some = waiting[first : first + AT_A_TIME]
            Sweep(some).run()
            for product_id, found in services.look_many(some, ask=False).items():
                if found.index.state == "unavailable":
                    raise CommandError(f"{found.index.message} {found.index.advice}")
                answered += found.index.state in _ANSWERED
                silent += found.index.state == "never"
                if found.index.state in ("down", "last_seen"):
                    failed.append(_failure(urns[product_id], found))
        seconds = time.monotonic() - begun
        told = {"asked": len(urns), "answered": answered, "without_discovery": silent, "seconds": round(seconds, 2)}
        if options["json"]:
            self.stdout.write(json.dumps({**told, "failed": failed}, indent=1))
            return
        self.stdout.write(
            f"{len(urns):,} products asked in {seconds:.1f} s: {answered:,} answered, {len(failed):,} did not"
        )
        if silent:
            self.stdout.write(f"{silent:,} offer no description of themselves (no discovery link)")
        for one in failed:
            since = f", since {one['since']}" if one["since"] else ""
            self.stdout.write(f"  {one['urn']}{since}: {one['why']}")


def _failure(urn: str, found: LiveProduct) -> dict[str, str | None]:
    since = found.index.failing_since
    return {"urn": urn, "since": since.isoformat(timespec="seconds") if since else None, "why": found.index.message}
