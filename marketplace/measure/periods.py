"""The stretch of days that figures are about."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

CHOICES = (7, 30, 90)
USUAL = 30


@dataclass(frozen=True)
class Period:
    """`days` days up to and with `last` (UTC); the days before that, as many, are what it is compared with."""

    days: int
    last: date

    @classmethod
    def of(cls, days: int) -> "Period":
        """The period that ends today."""
        return cls(days, timezone.now().date())

    @property
    def first(self) -> date:
        """The first day."""
        return self.last - timedelta(days=self.days - 1)

    @property
    def before(self) -> date:
        """The first of the days it is compared with."""
        return self.first - timedelta(days=self.days)

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range(self.days))


def read(text: str | None) -> Period:
    """`?days=` as one of CHOICES; anything else is the usual."""
    return Period.of(next((days for days in CHOICES if text == str(days)), USUAL))
