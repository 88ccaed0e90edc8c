"""Saved searches and new products; cleaning up."""

from celery import shared_task

from marketplace.notices import cleaning, matching


@shared_task(name="notices.match")
def match() -> None:
    """Tells people of what is new and fits their saved searches."""
    matching.match_new()


@shared_task(name="notices.clean")
def clean() -> None:
    """Removes what is old from the inboxes."""
    cleaning.clean()
