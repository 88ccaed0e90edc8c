"""How long an answer may take in PostgreSQL: one limit for all statements of it together."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction

QUERY_CANCELED = "57014"
# Milliseconds by which the server's limit may be off before it is set anew, which costs a round trip.
SLACK = 50
SAVEPOINTS = ("SAVEPOINT", "RELEASE", "ROLLBACK")


class TooSlowError(Exception):
    """The time is over."""


@contextmanager
def _too_slow() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != QUERY_CANCELED:
            raise
        raise TooSlowError from error


class Deadline:
    """The time left for one answer, counted from when it is made.

    Inside `keep` every statement ends with it; `step` marks a part that may be given up while the rest goes on.
    """

    def __init__(self, milliseconds: float) -> None:
        self._until = time.monotonic() + milliseconds / 1000
        self._ends = self._until
        self._given: float | None = None

    @contextmanager
    def keep(self) -> Iterator[None]:
        """One transaction. Raises TooSlowError. One statement more, and one for each SLACK that passes."""
        nested = connection.in_atomic_block
        with _too_slow(), transaction.atomic():
            with connection.execute_wrapper(self._limit):
                yield
            if nested:  # else the limit ends with the transaction
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL statement_timeout TO DEFAULT")

    @contextmanager
    def step(self, share: float) -> Iterator[None]:
        """Inside `keep`, a part that gets a share of the time that is left.

        Raises TooSlowError; what was set and read in it is then forgotten. Two statements more, for a savepoint.
        """
        now = time.monotonic()
        self._ends = now + (self._until - now) * share
        try:
            with _too_slow(), transaction.atomic():
                yield
        except BaseException:
            self._given = None  # the savepoint took the limit back
            raise
        finally:
            self._ends = self._until

    def _limit(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not sql.startswith(SAVEPOINTS):
            left = (self._ends - time.monotonic()) * 1000
            if left < 1:
                raise TooSlowError
            if self._given is None or abs(self._given - left) > SLACK:
                execute("SELECT set_config('statement_timeout', %s, true)", [str(int(left))], False, context)
                self._given = left
        return execute(sql, params, many, context)
