"""What inboxes keep, and for how long."""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from marketplace.notices.models import Entry

ENTRIES = 500  # of one person; older ones go first
STAY = timedelta(days=180)

BEYOND = """
DELETE FROM notices_entry WHERE id IN (
    SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY id DESC) AS n FROM notices_entry) kept
    WHERE n > %s
)
"""


def clean() -> None:
    """Keeps the last ENTRIES of each person, none older than STAY. Two statements."""
    Entry.objects.filter(created_at__lt=timezone.now() - STAY).delete()
    with connection.cursor() as cursor:
        cursor.execute(BEYOND, [ENTRIES])
