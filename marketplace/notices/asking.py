"""The query string of a search in one spelling, so that the same search is saved once, however it was asked."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import SuspiciousOperation, ValidationError
from django.http import QueryDict
from rest_framework import serializers

from marketplace.notices.models import NAME_LIMIT, QUERY_LIMIT
from registry.text import plain_text
from search.api import SearchQuery
from search.language import take_apart
from search.question import clean

# What is asked of products: a question, and filters. What is asked of the answer (its page, its spelling) is not kept.
_TEXTS = (serializers.CharField, serializers.ChoiceField, serializers.ListField)
ASKED = tuple(name for name, field in SearchQuery().fields.items() if isinstance(field, _TEXTS))


def spelled(pairs: Iterable[tuple[str, str]]) -> str:
    """The query string of a search of which each part is known to be good, as its page has it. Empty for none."""
    return urlencode([(name, text) for name, text in pairs if name in ASKED and text])


def normalised(query: str) -> str:
    """The question and the filters of a query string, filters that were typed into the question as if clicked.

    Raises ValidationError, by field, for values that no search takes, and where nothing is asked at all.
    """
    form = SearchQuery(data=_sent(query))
    if not form.is_valid():
        problems = {name: [str(problem) for problem in each] for name, each in form.errors.items() if each}
        raise ValidationError({"query": [f"{name}: {' '.join(each)}" for name, each in problems.items()]})
    given: dict[str, Any] = {name: form.validated_data[name] for name in ASKED}
    spoken = take_apart(clean(given["q"])[0])
    given.update({"q": spoken.question, **spoken.filters, "tag": [*spoken.tags, *given["tag"]]})
    pairs: list[tuple[str, str]] = []
    for name, value in given.items():
        values = dict.fromkeys(value) if isinstance(value, list) else [value]
        pairs += [(name, str(each).strip()) for each in values]
    made = spelled(pairs)
    if not made:
        raise ValidationError({"query": "There is nothing to save: ask a question, or choose a filter."})
    if len(made) > QUERY_LIMIT:
        raise ValidationError({"query": "This search is too long to be saved. Use fewer words or fewer filters."})
    return made


def _sent(query: str) -> QueryDict:
    try:
        sent = QueryDict(query[: 4 * QUERY_LIMIT].lstrip("?"), mutable=True)
    except SuspiciousOperation as error:
        raise ValidationError({"query": "This search has too many filters to be saved."}) from error
    for name in [name for name in sent if name not in ASKED]:
        del sent[name]
    return sent


def in_words(query: str) -> str:
    """What stands in for a name: the question, then the filters, like "rain in Kenya · access open"."""
    asked = QueryDict(query)
    said = [asked.get("q", "")]
    said += [f"{name} {text}" for name, values in asked.lists() if name != "q" for text in values]
    return plain_text(" · ".join(part for part in said if part))[:NAME_LIMIT] or "Saved search"
