"""What may be meant while somebody types: domains, tags and products whose names begin so."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q
from django.urls import reverse

from registry import queries
from registry.models import LISTED, Domain, Tag
from search.deadline import Deadline, TooSlowError
from search.indexer import title_key
from search.question import clean
from search.ranking import IS_LISTED

SHORTEST = 2  # letters before anything is suggested
SHORTEST_WORD = 3  # letters of a word's beginning that is looked for inside titles: fewer begin too many words
LONGEST = 80  # characters; who has typed more knows what to ask
MOST_DOMAINS, MOST_TAGS, MOST_PRODUCTS = 3, 3, 6
TIMEOUT_MS = 200

# Titles that begin so, from a b-tree; then those that have the words, the last of them begun.
TITLES = f"""
(SELECT product_id, 0 AS place, title_key FROM search_document
 WHERE title_key LIKE %(prefix)s AND {IS_LISTED} ORDER BY title_key, product_id LIMIT %(most)s)
UNION ALL
(SELECT product_id, 1, title_key FROM search_document
 WHERE text @@ (plainto_tsquery('english', %(whole)s) && %(last)s::tsquery)
   AND title_key NOT LIKE %(prefix)s AND {IS_LISTED} LIMIT %(most)s)
ORDER BY place, title_key, product_id LIMIT %(most)s
"""  # noqa: S608 # constants only; the values are parameters
# A begun word is no stem: "precipita" begins no lexeme, though "precipitation" has one.
STEMS = "SELECT stem FROM search_word WHERE word LIKE %s ORDER BY products DESC, word LIMIT 8"


@dataclass(frozen=True)
class Suggestion:
    """One line: `kind` is domain, tag or product; `url` is where it leads; `detail` says more, or nothing."""

    kind: str
    text: str
    url: str
    detail: str = ""


def suggest(typed: str) -> tuple[Suggestion, ...]:
    """At most twelve suggestions; none for fewer than two letters. Four queries, two more where products are found;
    what is not there after 0.2 s is left out."""
    text, _ = clean(typed[: LONGEST + 1])
    key = title_key(text)
    if len(key) < SHORTEST or len(text) > LONGEST:
        return ()
    deadline = Deadline(TIMEOUT_MS)
    found: list[Suggestion] = []
    try:
        with deadline.keep(), deadline.step(0.9):
            for part in (_domains, _tags, _products):
                found += part(key)
    except TooSlowError:
        pass
    return tuple(found)


def _begins(field: str, key: str) -> Q:
    """The whole begins so, or a word in it."""
    return Q(**{f"{field}__istartswith": key}) | Q(**{f"{field}__icontains": f" {key}"})


def _domains(key: str) -> Iterator[Suggestion]:
    for domain in Domain.objects.filter(_begins("title", key)).order_by("path")[:MOST_DOMAINS]:
        yield Suggestion("domain", domain.title, domain.get_absolute_url(), domain.summary)


def _tags(key: str) -> Iterator[Suggestion]:
    slug = key.replace(" ", "-")
    used = Tag.objects.filter(slug__startswith=slug, products__lifecycle__in=LISTED).distinct().order_by("slug")
    for tag in used[:MOST_TAGS]:
        yield Suggestion("tag", tag.label, f"{reverse('catalogue:search')}?tag={tag.slug}")


def _products(key: str) -> Iterator[Suggestion]:
    *whole, last = key.split()
    with connection.cursor() as cursor:
        stems: list[str] = []
        if len(last) >= SHORTEST_WORD:
            cursor.execute(STEMS, [_prefix(last)])
            stems = [row[0] for row in cursor.fetchall()] or [last]
        begun = " | ".join(f"'{stem}':A" for stem in dict.fromkeys(stems))
        values: dict[str, str | int] = {
            "prefix": _prefix(key),
            "whole": " ".join(whole),
            "last": begun,
            "most": MOST_PRODUCTS,
        }
        cursor.execute(TITLES, values)
        ids = [row[0] for row in cursor.fetchall()]
    for product in queries.in_order(ids) if ids else ():
        yield Suggestion("product", product.title, product.get_absolute_url(), product.domain.title)


def _prefix(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}%"
