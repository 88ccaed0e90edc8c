"""What the tests of follows, saved searches and inboxes share."""

from collections.abc import Callable

import pytest
from django.utils.html import strip_tags

from marketplace.accounts.models import User
from marketplace.notices import contexts, delivery, queries
from registry import events


@pytest.fixture
def deliver() -> Callable[[], None]:
    """Brings the inboxes up to the event log, as a worker does after each change."""

    def catch_up() -> None:
        events.deliver(delivery.SUBSCRIBER)

    return catch_up


@pytest.fixture
def told() -> Callable[[User], list[str]]:
    """A person's inbox, newest first, each entry as "title: label · detail"."""

    def read(user: User) -> list[str]:
        rows = [contexts.told(entry) for entry in queries.inbox(user)]
        return [f"{row.title}: {row.label}{f' · {row.detail}' if row.detail else ''}" for row in rows]

    return read


@pytest.fixture
def words() -> Callable[[bytes], str]:
    """The text of a page, white space made one."""

    def read(body: bytes) -> str:
        return " ".join(strip_tags(body.decode()).split())

    return read
