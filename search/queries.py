"""Asking: the page of hits, the facets beside it, and a way on where nothing matched."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from django.db import connection, transaction

from marketplace.accounts.models import Team
from registry import queries as registry
from registry.models import AccessMode, Domain, Goal, Lifecycle, ProductType, Tag
from search import highlight, ranking
from search.deadline import Deadline, TooSlowError
from search.language import Spoken, take_apart
from search.question import MAX_LENGTH, Question, understand
from search.ranking import Filters, Legs
from search.results import Count, Facets, Hit, Loosening, Results, Suggestions

log = structlog.get_logger(__name__)

MEANING_AND_TEXT = "meaning+text"
TEXT = "text"
TIMEOUT_MS = 2000  # for everything that one search reads, the wait for the question's vector included
STOPPED = "The search took too long and was stopped. Ask with fewer words, or try again in a moment."
MOST_FILTERS = 12  # tags that are used
LONGEST = 5000  # characters that are looked through for filters and phrases; fewer are used as a question


@dataclass(frozen=True)
class Row:
    """A matched product: its ranks in the legs (None where a leg has it not) and the fused score."""

    product_id: int
    exact: bool
    title_rank: int | None
    meaning_rank: int | None
    similarity: float | None
    words_rank: int | None
    score: float


def search(
    question: str,
    *,
    domain: str | None = None,
    tags: Sequence[str] = (),
    type: str | None = None,
    access: str | None = None,
    owner: str | None = None,
    goal: str | None = None,
    lifecycle: str | None = None,
    spelling: bool = True,
    limit: int = 20,
    offset: int = 0,
) -> Results:
    """The products that answer a question, best first; an exact title or address is always the first.

    `domain` is a slug and includes the domains below it; all of `tags` (slugs) must be there; `type`, `access` and
    `lifecycle` are values of ProductType, AccessMode and Lifecycle, `owner` is the slug of a team, `goal` that of a
    goal or use case. The question may name them too (see search.language); what it names counts. An empty question
    lists what passes the filters, by title. Whatever is typed gets an answer: what was not used, or not available, is
    said in `notes`; misspelt words are put right and named in `corrections`, unless `spelling` is false. Only what
    is listed now is found, also while the index lags. Takes at most 2 s, 0.4 s of them for
    the question's vector. Eight queries however many hits, eleven where nothing matched, one more for an address, and
    as many short statements that keep the limit.
    """
    started = time.perf_counter()
    deadline = Deadline(TIMEOUT_MS)
    spoken = take_apart(question[:LONGEST])
    notes = list(spoken.notes)
    given = {"domain": domain, "type": type, "access": access, "owner": owner, "goal": goal, "lifecycle": lifecycle}
    filters = _filters(spoken, given, tags, notes)
    with deadline.keep():
        asked = _understood(spoken, deadline, spelling)
        notes += asked.notes
        if asked.legs.key:
            rows, legs = _ranked(asked.legs, filters, notes, deadline)
            matched, total = [row.product_id for row in rows], len(rows)
            if rows and all(_distant(row) for row in rows):
                notes.append(
                    "Nothing matches closely; these are the nearest. Other words, or fewer filters, may find more."
                )
            page = rows[offset : offset + limit]
        else:
            legs = asked.legs
            page, total = _listing(filters, limit, offset, notes, deadline)
            matched = []
        try:
            with deadline.step(0.9):
                hits = _hits(page, legs)
        except TooSlowError:
            hits, matched, total = (), [], 0
            notes.append(STOPPED)
        suggestions = _suggestions(asked, filters, deadline) if not total else None
    return Results(
        question=spoken.question[:MAX_LENGTH] if spoken.phrases or spoken.without else asked.text,
        filters=filters,
        hits=hits,
        total=total,
        took_ms=round((time.perf_counter() - started) * 1000, 1),
        mode=MEANING_AND_TEXT if legs.vector else TEXT,
        notes=tuple(notes),
        suggestions=suggestions,
        matched=tuple(matched),
        corrections=asked.corrections,
    )


def _filters(spoken: Spoken, given: dict[str, str | None], tags: Sequence[str], notes: list[str]) -> Filters:
    chosen = tuple(dict.fromkeys(tag for tag in (*spoken.tags, *tags) if tag))
    if len(chosen) > MOST_FILTERS:
        notes.append(f"Only the first {MOST_FILTERS} tags were used to filter.")
    return Filters(
        tags=tuple(filter(None, map(_plain, chosen[:MOST_FILTERS]))),
        phrases=tuple(filter(None, map(_plain, spoken.phrases))),
        without=tuple(filter(None, map(_plain, spoken.without))),
        **{name: _plain(spoken.filters.get(name) or value) for name, value in given.items()},
    )


def _understood(spoken: Spoken, deadline: Deadline, spelling: bool) -> Question:
    """The question, without its words where PostgreSQL does not read them in time."""
    try:
        with deadline.step(0.6):
            return understand(spoken.text, spelling=spelling, as_meant=spoken.phrases)
    except TooSlowError:
        return understand(spoken.text, words=False, spelling=False)


def _distant(row: Row) -> bool:
    return row.title_rank is None and row.words_rank is None and (row.similarity or 0) < ranking.CLOSE


def _plain(value: str | None) -> str | None:
    return value.replace("\x00", "").strip() or None if value else None


def _ranked(legs: Legs, filters: Filters, notes: list[str], deadline: Deadline) -> tuple[list[Row], Legs]:
    """The ranked rows, with fewer legs where the whole took too long, and the legs that took part."""
    for attempt in (
        legs,
        replace(legs, terms=(), rare=(), more=()),
        replace(legs, terms=(), rare=(), more=(), vector=None),
    ):
        try:
            with deadline.step(0.6):
                rows = rank(attempt, filters)
        except TooSlowError:
            log.warning("search.too_slow", with_words=bool(attempt.terms), with_meaning=bool(attempt.vector))
            continue
        if attempt is not legs:
            by = "meaning and by titles" if attempt.vector else "titles"
            notes.append(f"The whole search took too long, so these go by {by} only. Fewer words may do better.")
        return rows, attempt
    notes.append(STOPPED)
    return [], replace(legs, terms=(), rare=(), more=(), vector=None)


def rank(legs: Legs, filters: Filters) -> list[Row]:
    """All matched products that are listed, best first; a few hundred at most. Two queries."""
    made = ranking.statement(legs, filters)
    if made is None:
        return []
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        # Compiling the statement costs more than running it, hence no jit.
        cursor.execute(
            """
            SELECT set_config('jit', 'off', true), set_config('hnsw.ef_search', %s, true),
                   set_config('hnsw.iterative_scan', 'relaxed_order', true)
            """,
            [str(ranking.EF_SEARCH)],
        )
        cursor.execute(*made)
        return [Row(*row) for row in cursor.fetchall()]


def _listing(filters: Filters, limit: int, offset: int, notes: list[str], deadline: Deadline) -> tuple[list[Row], int]:
    where = f"{filters.sql()} AND {ranking.IS_LISTED}"  # constants only; the values are parameters
    try:
        with deadline.step(0.6), connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM search_document WHERE {where}", filters.params())  # noqa: S608
            total = cursor.fetchone()[0]
            cursor.execute(
                f"SELECT product_id FROM search_document WHERE {where} "  # noqa: S608
                "ORDER BY title_key, product_id LIMIT %(limit)s OFFSET %(offset)s",
                {**filters.params(), "limit": limit, "offset": offset},
            )
            return [Row(pk, False, None, None, None, None, 0.0) for (pk,) in cursor.fetchall()], total
    except TooSlowError:
        notes.append(STOPPED)
        return [], 0


def _hits(rows: Sequence[Row], legs: Legs) -> tuple[Hit, ...]:
    found = {product.pk: product for product in registry.in_order([row.product_id for row in rows])}
    shown = [row for row in rows if row.product_id in found]
    marks = highlight.mark([found[row.product_id] for row in shown], legs.words)
    return tuple(
        Hit(
            product=found[row.product_id],
            score=row.score,
            reasons=highlight.reasons(
                marked,
                address=row.product_id == legs.address,
                exact=row.exact,
                begins=row.title_rank is not None,
                similarity=row.similarity,
            ),
            title=marked.title,
            summary=marked.summary,
            similarity=row.similarity,
        )
        for row, marked in zip(shown, marks, strict=True)
    )


def _suggestions(asked: Question, filters: Filters, deadline: Deadline, limit: int = 5) -> Suggestions:
    """What comes nearest, whatever the filters; only filters to take away where the time is over."""
    try:
        with deadline.step(0.9):
            nearest = rank(asked.legs, Filters()) if filters and asked.legs.key else []
            products = registry.in_order([row.product_id for row in nearest[:limit]])
            if not products:
                products = list(registry.newest(limit))
    except TooSlowError:
        products = []
    domains = list(dict.fromkeys(product.domain for product in products))
    return Suggestions(tuple(products), tuple(domains), _looser(filters))


def _looser(filters: Filters) -> tuple[Loosening, ...]:
    ways = [
        Loosening("tag", tag, replace(filters, tags=tuple(other for other in filters.tags if other != tag)))
        for tag in filters.tags
    ]
    for name in ("domain", "type", "access", "owner", "goal", "lifecycle"):
        value = getattr(filters, name)
        if value:
            without: dict[str, Any] = {name: None}
            ways.append(Loosening(name, value, replace(filters, **without)))
    for phrase in filters.phrases:
        others = tuple(other for other in filters.phrases if other != phrase)
        ways.append(Loosening("phrase", phrase, replace(filters, phrases=others)))
    for word in filters.without:
        others = tuple(other for other in filters.without if other != word)
        ways.append(Loosening("without", word, replace(filters, without=others)))
    return tuple(ways)


FACETS = """
SELECT 'domain', value, count(*) FROM search_document, unnest(domains) AS value WHERE {where} GROUP BY value
UNION ALL SELECT 'tag', value, count(*) FROM search_document, unnest(tags) AS value WHERE {where} GROUP BY value
UNION ALL SELECT 'type', type, count(*) FROM search_document WHERE {where} AND type <> '' GROUP BY type
UNION ALL SELECT 'access', access_mode, count(*) FROM search_document WHERE {where} GROUP BY access_mode
UNION ALL SELECT 'owner', owner, count(*) FROM search_document WHERE {where} GROUP BY owner
UNION ALL SELECT 'lifecycle', lifecycle, count(*) FROM search_document WHERE {where} GROUP BY lifecycle
UNION ALL SELECT 'goal', goal.slug, count(DISTINCT product_id)
    FROM (SELECT product_id FROM search_document WHERE {where}) found JOIN registry_purpose USING (product_id)
    JOIN registry_goal served ON served.id = goal_id JOIN registry_goal goal ON goal.id IN (served.id, served.parent_id)
    GROUP BY goal.slug
ORDER BY 1, 3 DESC, 2
"""


def facets(results: Results, most: int = 20) -> Facets:
    """Counts over everything that matched, not over the page alone; none where the search's time is over.

    Five queries, six where a product says what it is for.
    """
    params: dict[str, Any]
    if results.matched:
        where, params = "product_id = ANY(%(matched)s)", {"matched": list(results.matched)}
    elif results.total:
        where, params = f"{results.filters.sql()} AND {ranking.IS_LISTED}", results.filters.params()
    else:
        return Facets()
    deadline = Deadline(TIMEOUT_MS - results.took_ms)
    try:
        with deadline.keep():
            return _counted(where, params, most)
    except TooSlowError:
        return Facets()


def _counted(where: str, params: dict[str, Any], most: int) -> Facets:
    with connection.cursor() as cursor:
        cursor.execute(FACETS.format(where=where), params)
        counted: dict[str, list[tuple[str, int]]] = {}
        for kind, value, count in cursor.fetchall():
            counted.setdefault(kind, []).append((value, count))
    tags, domains = counted.get("tag", [])[:most], counted.get("domain", [])[:most]
    tag_labels = dict(Tag.objects.filter(slug__in=[value for value, _ in tags]).values_list("slug", "label"))
    domain_titles = dict(Domain.objects.filter(slug__in=[value for value, _ in domains]).values_list("slug", "title"))
    owners = counted.get("owner", [])[:most]
    goals = counted.get("goal", [])[:most]
    goal_titles = dict(Goal.objects.filter(slug__in=[value for value, _ in goals]).values_list("slug", "title"))
    owner_names = dict(Team.objects.filter(slug__in=[value for value, _ in owners]).values_list("slug", "name"))
    return Facets(
        domains=_counts(domains, domain_titles),
        tags=_counts(tags, tag_labels),
        types=_counts(counted.get("type", []), dict(ProductType.choices)),
        access=_counts(counted.get("access", []), dict(AccessMode.choices)),
        owners=_counts(owners, owner_names),
        lifecycles=_counts(counted.get("lifecycle", []), dict(Lifecycle.choices)),
        goals=_counts(goals, goal_titles),
    )


def _counts(pairs: Sequence[tuple[str, int]], labels: dict[str, Any]) -> tuple[Count, ...]:
    return tuple(Count(value, str(labels.get(value, value)), count) for value, count in pairs)
