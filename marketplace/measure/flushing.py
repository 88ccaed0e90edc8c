"""From the buffer to PostgreSQL: each batch in one transaction, counted once however often it is given."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import structlog
from django.db import DataError, connection, transaction
from django.db.models import Count

from marketplace.accounts.models import Membership
from marketplace.live.cache import CacheDownError
from marketplace.measure import buffer
from marketplace.measure.models import QUESTION, Batch, Search, SearchClick, Viewer
from marketplace.measure.nearness import near_domains
from registry.models import Product

log = structlog.get_logger(__name__)

LOCK = 0x4D454153  # any constant; two flushes take turns
BATCHES = 20  # in one run of the task
SEARCHES = 300  # of one person a day; a program that asks without end fills no table
A_DAY = 50_000  # searches of everybody; who names another browser each time is another person each time

ADD = """
INSERT INTO measure_productday AS known
    (product_id, day, views, viewers, found, rank_sum, clicks, click_rank_sum, artifacts, contracts)
SELECT * FROM unnest(%s::bigint[], %s::date[], %s::int[], %s::int[], %s::int[], %s::bigint[], %s::int[], %s::bigint[],
                     %s::int[], %s::int[])
ORDER BY 1, 2
ON CONFLICT (product_id, day) DO UPDATE SET
    views = known.views + excluded.views, viewers = known.viewers + excluded.viewers,
    found = known.found + excluded.found, rank_sum = known.rank_sum + excluded.rank_sum,
    clicks = known.clicks + excluded.clicks, click_rank_sum = known.click_rank_sum + excluded.click_rank_sum,
    artifacts = known.artifacts + excluded.artifacts, contracts = known.contracts + excluded.contracts
"""
FIGURES = ("views", "viewers", "found", "rank_sum", "clicks", "click_rank_sum", "artifacts", "contracts")


@dataclass(frozen=True)
class Look:
    """An entry that is well formed: who, when, and what it says."""

    person: str
    at: datetime
    data: dict[str, Any]

    @property
    def day(self) -> date:
        """UTC."""
        return self.at.date()

    @property
    def product(self) -> int:
        """0 for a search."""
        return int(self.data.get("product", 0))


@dataclass
class Counts:
    """By product and day, then by figure."""

    rows: dict[tuple[int, date], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, product: int, day: date, **figures: int) -> None:
        """Adds to the figures of a product on a day."""
        self.rows[product, day].update(figures)


def flush() -> int:
    """Counts what waits in the buffer; returns the number of entries. Nothing happens where Redis is lost.

    A batch is let go only after its transaction: where the process ends in between it is given again, and known.
    """
    done = 0
    try:
        for _ in range(BATCHES):
            if (taken := buffer.take()) is None:
                break
            try:
                done += len(taken.entries) if count(taken) else 0
            except (DataError, KeyError, TypeError, ValueError):
                log.exception("measure.batch_lost", entries=len(taken.entries))  # else it would stop all after it
            buffer.finish(taken.token)
        if lost := buffer.dropped():
            log.warning("measure.buffer_was_full", dropped=lost, advice="Is the worker of the queue `default` running?")
    except CacheDownError as error:
        log.warning("measure.redis_unreachable", error=str(error))
    return done


def count(taken: buffer.Taken) -> bool:
    """Counts a batch, unless it was counted before: then False. Some ten queries however many entries.

    Raises CacheDownError where Redis cannot say who owns a product; nothing is counted then.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        _, new = Batch.objects.get_or_create(token=taken.token)
        if new:
            _count([look for entry in taken.entries if (look := _look(entry))])
    return new


def _look(entry: buffer.Entry) -> Look | None:
    """None for what another version of this program put, or nobody did."""
    data = entry.data
    try:
        at = datetime.fromtimestamp(float(data["at"]), UTC)
        if data["kind"] == "search":
            data["hits"] = [int(pk) for pk in data["hits"]]
            ids, counts = data["hits"], [int(data["results"]), int(data["offset"])]
            texts = (data["question"], data["normal"], data["key"], data["source"])
            whole = all(isinstance(text, str) and len(text) <= QUESTION for text in texts)
        else:
            ids, counts = [int(data["product"])], []
            whole = data["kind"] in ("view", "artifact", "contract") and ids[0] > 0
        whole = whole and all(0 <= pk < 1 << 63 for pk in ids) and all(0 <= count < 1 << 31 for count in counts)
    except (KeyError, TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        log.warning("measure.unreadable_entry")
        return None
    return Look(entry.person, at, data)


def _count(looks: list[Look]) -> None:
    wanted = {pk for look in looks for pk in (look.product, *look.data.get("hits", ()))}
    owners = dict(Product.objects.filter(pk__in=wanted).order_by().values_list("pk", "owner_id"))
    own = _own(owners, {look.day for look in looks})
    looks = [
        look
        for look in looks
        if not look.product or (look.product in owners and look.product not in own.get((look.person, look.day), ()))
    ]
    counts = Counts()
    searches = _searches([look for look in looks if look.data["kind"] == "search"], owners, own)
    for search in searches:
        for place, product in enumerate(search.hits, start=search.offset + 1):
            if product:
                counts.add(product, search.day, found=1, rank_sum=place)
    views = [look for look in looks if look.data["kind"] == "view"]
    for look in views:
        counts.add(look.product, look.day, views=1)
    for product, day in _new_viewers(views):
        counts.add(product, day, viewers=1)
    for product, day, rank in _clicks(views):
        counts.add(product, day, clicks=1, click_rank_sum=rank)
    for look in looks:
        if look.data["kind"] in ("artifact", "contract"):
            counts.add(look.product, look.day, **{f"{look.data['kind']}s": 1})
    _write(counts)


def _own(owners: dict[int, int], days: Iterable[date]) -> dict[tuple[str, date], set[int]]:
    """By person and day as entries name them: the products of their own teams. One query, and one read a day."""
    members: dict[int, set[int]] = defaultdict(set)
    for team, person in Membership.objects.filter(team__in=set(owners.values())).values_list("team_id", "user_id"):
        members[person].add(team)
    of_team: dict[int, set[int]] = defaultdict(set)
    for product, team in owners.items():
        of_team[team].add(product)
    found: dict[tuple[str, date], set[int]] = {}
    for day in days:
        for person, name in buffer.hashed(members, day).items():
            found[name, day] = {product for team in members[person] for product in of_team[team]}
    return found


def _searches(looks: list[Look], owners: dict[int, int], own: dict[tuple[str, date], set[int]]) -> list[Search]:
    """Writes the searches that are new that day, and returns those; of one person SEARCHES a day, of all A_DAY.

    Three queries, and those of `near_domains`.
    """
    of_days = Search.objects.filter(day__in={look.day for look in looks})
    on_day = Counter(dict(of_days.values_list("day").annotate(Count("pk"))))
    asked = of_days.filter(person__in={look.person for look in looks})
    known = set(asked.values_list("day", "person", "key"))
    so_far = Counter((day, person) for day, person, _ in known)
    made: dict[tuple[date, str, str], Search] = {}
    beyond = 0
    for look in looks:
        data, name = look.data, (look.day, look.person, look.data["key"][:32])
        if name in known or name in made or so_far[name[:2]] >= SEARCHES:
            continue
        if on_day[look.day] >= A_DAY:
            beyond += 1
            continue
        so_far[name[:2]] += 1
        on_day[look.day] += 1
        hidden = own.get((look.person, look.day), set())
        made[name] = Search(
            day=look.day,
            at=look.at,
            person=look.person,
            source=data["source"][:4],
            question=data["question"][:QUESTION],
            normal=data["normal"],
            key=data["key"][:32],
            results=int(data["results"]),
            similarity=data.get("similarity"),
            poor=bool(data.get("poor")),
            offset=int(data["offset"]),
            hits=[pk if pk in owners and pk not in hidden else 0 for pk in data["hits"]],
        )
    if beyond:
        log.warning("measure.day_is_full", dropped=beyond, most=A_DAY)
    searches = list(made.values())
    near = near_domains([(search.normal, search.hits) for search in searches if search.poor])
    for search in searches:
        if search.poor:
            search.near = near[search.normal]
    return Search.objects.bulk_create(searches)


def _new_viewers(views: list[Look]) -> list[tuple[int, date]]:
    """Product and day of each first look of a person that day. Two queries."""
    looked = {(look.product, look.day, look.person) for look in views}
    known = set(
        Viewer.objects.filter(
            product__in={look.product for look in views}, day__in={look.day for look in views}
        ).values_list("product_id", "day", "person")
    )
    new = sorted(looked - known)
    Viewer.objects.bulk_create(Viewer(product_id=product, day=day, person=person) for product, day, person in new)
    return [(product, day) for product, day, _ in new]


def _clicks(views: list[Look]) -> list[tuple[int, date, int]]:
    """Product, day and rank of each view that came from a search of that person that showed it. Three queries.

    The rank is what we showed, not what the request says; a second click on the same hit is none.
    """
    came = [look for look in views if look.data.get("q")]
    if not came:
        return []
    asked: dict[tuple[str, date, str], list[Search]] = defaultdict(list)
    for search in Search.objects.filter(
        day__in={look.day for look in came},
        person__in={look.person for look in came},
        normal__in={str(look.data["q"]) for look in came},
    ).order_by("-at"):
        asked[search.person, search.day, search.normal].append(search)
    found: dict[tuple[int, int], tuple[date, int]] = {}
    for look in came:
        for search in asked.get((look.person, look.day, str(look.data["q"])), ()):
            if look.product in search.hits:
                rank = search.offset + search.hits.index(look.product) + 1
                found.setdefault((search.pk, look.product), (look.day, rank))
                break
    known = set(
        SearchClick.objects.filter(search__in={search for search, _ in found}).values_list("search_id", "product_id")
    )
    new = [(search, product) for search, product in found if (search, product) not in known]
    SearchClick.objects.bulk_create(
        SearchClick(search_id=search, product_id=product, rank=found[search, product][1]) for search, product in new
    )
    return [(product, *found[search, product]) for search, product in new]


def _write(counts: Counts) -> None:
    if not counts.rows:
        return
    names, figures = zip(*counts.rows.items(), strict=True)
    columns: list[list[Any]] = [[product for product, _ in names], [day for _, day in names]]
    columns += [[row[figure] for row in figures] for figure in FIGURES]
    with connection.cursor() as cursor:
        cursor.execute(ADD, columns)
