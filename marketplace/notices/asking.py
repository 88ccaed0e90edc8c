"""The query string of a search in one spelling, so that the same search is saved once, however it was asked."""

from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import SuspiciousOperation, ValidationError
from django.http import QueryDict

from marketplace.notices.models import NAME_LIMIT, QUERY_LIMIT
from registry.text import plain_text
from search.api import SearchQuery
from search.language import take_apart
from search.question import clean

OF_THE_ANSWER = {"page", "page_size", "facets"}  # what a program asks about the answer, not about products


def normalised(query: str) -> str:
    """The question and the filters of a query string, filters that were typed into the question as if clicked.

    Raises ValidationError, by field, for values that no search takes, and where nothing is asked at all.
    """
    form = SearchQuery(data=_sent(query))
    if not form.is_valid():
        problems = {name: [str(problem) for problem in each] for name, each in form.errors.items() if each}
        raise ValidationError({"query": [f"{name}: {' '.join(each)}" for name, each in problems.items()]})
    given: dict[str, Any] = {name: value for name, value in form.validated_data.items() if name not in OF_THE_ANSWER}
    spoken = take_apart(clean(given["q"])[0])
    given.update({"q": spoken.question, **spoken.filters, "tag": [*spoken.tags, *given["tag"]]})
    pairs: list[tuple[str, str]] = []
    for name, value in given.items():
        values = dict.fromkeys(value) if isinstance(value, list) else [value]
        pairs += [(name, text) for text in (str(each).strip() for each in values) if text]
    made = urlencode(pairs)
    if not made:
        raise ValidationError({"query": "There is nothing to save: ask a question, or choose a filter."})
    if len(made) > QUERY_LIMIT:
        raise ValidationError({"query": "This search is too long to be saved. Use fewer words or fewer filters."})
    return made


def _sent(query: str) -> QueryDict:
    try:
        return QueryDict(query[: 4 * QUERY_LIMIT].lstrip("?"))
    except SuspiciousOperation as error:
        raise ValidationError({"query": "This search has too many filters to be saved."}) from error


def in_words(query: str) -> str:
    """What stands in for a name: the question, then the filters, like "rain in Kenya · access open"."""
    asked = QueryDict(query)
    said = [asked.get("q", "")]
    said += [f"{name} {text}" for name, values in asked.lists() if name != "q" for text in values]
    return plain_text(" · ".join(part for part in said if part))[:NAME_LIMIT] or "Saved search"
