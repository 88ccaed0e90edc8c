"""Searching inside what products say now: artifacts, columns and descriptions of up to 50 products at once.

A worker reads what is known of each, asks those whose answers are not fresh, and writes what matches, product by
product, to one hash in Redis, where it is for a minute and nowhere else. Who looks reads that hash: no web request
waits. A search is over after two seconds; who has not answered by then is named.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Literal

import redis
import structlog
from django.db import connections
from django.utils.crypto import salted_hmac

from marketplace.celery import app as celery

from . import cache, limits, services, state
from .cache import CacheDownError
from .errors import Problem
from .explore import Answer
from .matching import Found, Matcher, Row, search, words_of
from .record import Record
from .view import ContractListView

log = structlog.get_logger(__name__)

PRODUCTS = 50
PATIENCE_SECONDS = 2.0
KEPT_SECONDS = 60  # the same search within this time asks nobody again
MAX_BYTES = 3_000_000  # of what is known of one product; who says more is not searched
SEARCHES = 20  # that a person or an address may cause in a minute
PAUSE_SECONDS = 0.1  # between two looks at a product that another worker is asking

ProductState = Literal["asking", "answered", "partly", "before", "silent"]
"""
asking    not answered so far
answered  what was found is what the product says now
partly    it answered, but not every part of it in time
before    it does not answer now; what was found is from before
silent    it did not answer, and nothing of it is known; `why` says more
"""

CONTENT = ("index", "metadata", "artifacts", "contracts")  # the parts that are searched; each contract besides
TOO_LARGE = "says more than can be searched here"
TOO_LATE = "did not answer within two seconds"
NOTHING_TO_ASK = Problem(
    "not_offered", "There is no word to look for.", "Enter a word or two, like the name of a column."
)


@dataclass(frozen=True, slots=True)
class ProductFound:
    """What was found inside one product by now."""

    product_id: int
    state: ProductState
    rows: tuple[Row, ...] = ()
    more: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """A search as far as it is. `key` names it for the next look; `waiting`: look again shortly.

    `wait_seconds`: so many searches were asked for that this one was not begun. `problem`: we cannot search now.
    """

    question: str
    words: tuple[str, ...]
    key: str = ""
    products: tuple[ProductFound, ...] = ()
    waiting: bool = False
    problem: Problem | None = None
    wait_seconds: int = 0


def begin(question: str, product_ids: Sequence[int], askers: Iterable[str]) -> Search:
    """The search for these words in these products; begun where nobody did within a minute. Never raises, never waits.

    Who begins is counted for each of `askers` (a person, an address). Up to four round trips to Redis.
    """
    words = words_of(question)
    ids = list(dict.fromkeys(product_ids))[:PRODUCTS]
    if not words:
        return Search(question, words, problem=NOTHING_TO_ASK)
    if not ids:
        return Search(question, words)
    key = salted_hmac("live.inside", json.dumps([words, ids]), algorithm="sha256").hexdigest()[:32]
    try:
        found = look(key)
        if found is not None:
            return found
        if wait := limits.seconds_to_wait(askers, "inside", SEARCHES):
            return Search(question, words, wait_seconds=wait)
        _ask(key, question, words, ids)
        return look(key) or Search(question, words, problem=state.CACHE_DOWN)
    except CacheDownError:
        return Search(question, words, problem=state.CACHE_DOWN)


def look(key: str) -> Search | None:
    """How far the search is; None where it is no longer kept. One round trip. Raises CacheDownError."""
    fields: dict[bytes, bytes] = cache.client().run(lambda conn: conn.hgetall(_key(key)))  # type: ignore[arg-type,return-value]
    if b"head" not in fields:
        return None
    head = json.loads(fields[b"head"])
    late = time.time() - head["at"] > PATIENCE_SECONDS
    products = tuple(_product(number, fields.get(str(number).encode()), late=late) for number in head["ids"])
    no_worker = late and b"taken" not in fields
    return Search(
        question=head["question"],
        words=tuple(head["words"]),
        key=key,
        products=products,
        waiting=not late and any(product.state == "asking" for product in products),
        problem=state.NO_WORKERS if no_worker else None,
    )


_UNTOLD: dict[str, Any] = {"state": "asking", "rows": [], "more": 0, "why": "", "late": "silent"}


def _product(number: int, raw: bytes | None, *, late: bool) -> ProductFound:
    said = json.loads(raw) if raw else _UNTOLD
    rows = tuple(
        Row(**{**row, "words": tuple(row["words"]), "segments": tuple((text, hit) for text, hit in row["segments"])})
        for row in said["rows"]
    )
    now: ProductState = said["state"]
    why = said["why"]
    if now == "asking" and late:
        now, why = said["late"], TOO_LATE
    return ProductFound(number, now, rows, said["more"], why)


def _ask(key: str, question: str, words: Sequence[str], ids: Sequence[int]) -> None:
    head = json.dumps({"at": time.time(), "question": question[:500], "words": words, "ids": ids})

    def action(conn: redis.Redis) -> bool:
        if not conn.hsetnx(_key(key), "head", head):
            return False
        conn.expire(_key(key), KEPT_SECONDS)
        return True

    if not cache.client().run(action):
        return
    try:
        celery.send_task("live.inside", args=(key,), expires=PATIENCE_SECONDS, retry=False, ignore_result=True)
    except Exception as exc:  # kombu raises many kinds, all of which mean the same here
        log.warning("live_enqueue_failed", task="live.inside", error=str(exc))
        cache.client().run(lambda conn: conn.delete(_key(key)))
        raise CacheDownError("the broker did not take the task") from exc


def _key(key: str) -> str:
    return cache.key(f"inside:{key}")


# In the worker


def run(key: str) -> None:
    """Searches all products of a search, each in a thread that mostly waits. For workers only.

    Returns when all have answered or failed, which may be after the search is over: what comes late is cached anyway.
    """
    with contextlib.suppress(CacheDownError):
        raw = cache.client().run(lambda conn: conn.hget(_key(key), "head"))
        if raw is None:
            return
        head = json.loads(raw)
        cache.client().run(lambda conn: conn.hset(_key(key), "taken", "1"))
        matcher = Matcher(head["words"])
        with ThreadPoolExecutor(len(head["ids"]), thread_name_prefix="live-inside") as threads:
            for number in head["ids"]:
                threads.submit(_one, _Board(key, number, matcher, head["at"] + PATIENCE_SECONDS))


class _Board:
    """Where the matches of one product are written. `until`: epoch seconds when the search is over."""

    def __init__(self, key: str, product_id: int, matcher: Matcher, until: float) -> None:
        self.product_id = product_id
        self.until = until
        self._key = key
        self._matcher = matcher
        self._views: dict[str, Any] = {}
        self._found = Found()
        self._late: ProductState = "silent"
        self._missing = set(CONTENT)

    def know(self, record: Record) -> None:
        """What is known of the product without asking it. Raises CacheDownError."""
        self._views = {part: seen.view for part, seen in record.seen.items()}
        self._late = "before" if self._views else "silent"
        self._found = search(self._matcher, self._views)
        due = record.in_flight or record.is_due(time.time())
        self.say("asking" if due else _settled(record), _reason(record))

    def told(self, answer: Answer) -> None:
        """The product answers, part by part. Raises CacheDownError."""
        self._missing.discard(answer.part)
        view = answer.same.view if answer.same is not None else answer.view
        if isinstance(view, ContractListView):
            self._missing |= {ref.part for ref in view.refs}
        if view is not None:
            self._views[answer.part] = view
            self._late = "partly"
        if answer.view is not None:
            self._found = search(self._matcher, self._views)
        if not self._missing and self._late == "partly":
            self.say("answered")
        elif view is not None:
            self.say("asking")

    def say(self, now: ProductState, why: str = "") -> None:
        """How the product does. Raises CacheDownError."""
        rows = [asdict(row) for row in self._found.rows]
        said = {"state": now, "rows": rows, "more": self._found.more, "why": why, "late": self._late}
        written = json.dumps(said)

        def action(conn: redis.Redis) -> None:
            pipe = conn.pipeline(transaction=False)
            pipe.hset(_key(self._key), str(self.product_id), written)
            pipe.expire(_key(self._key), KEPT_SECONDS)
            pipe.execute()

        cache.client().run(action)


def _one(board: _Board) -> None:
    try:
        with contextlib.suppress(CacheDownError):
            _search_product(board)
    except Exception:  # a fault of ours is logged, and silences one product only
        log.exception("inside_failed", product=board.product_id)
        with contextlib.suppress(CacheDownError):
            board.say("silent", "could not be searched; this is a fault of the marketplace")
    finally:
        connections.close_all()


def _search_product(board: _Board) -> None:
    subject = services.subject_of(board.product_id)
    if _bytes(subject) > MAX_BYTES:
        board.say("silent", TOO_LARGE)
        return
    record = cache.read(subject)
    board.know(record)
    if not (record.in_flight or record.is_due(time.time())):
        return
    if record.in_flight or cache.take_flight(subject, record, time.time()) is None:
        while (record := cache.read(subject)).in_flight and time.time() < board.until:
            time.sleep(PAUSE_SECONDS)
        board.know(record)
        return
    services.refresh_product(board.product_id, board.told)
    record = cache.read(subject)
    board.say(_settled(record), _reason(record))


def _bytes(subject: str) -> int:
    """How much is known of a subject. Two round trips."""

    def action(conn: redis.Redis) -> int:
        names: Any = conn.hkeys(cache.key(subject))
        pipe = conn.pipeline(transaction=False)
        for name in names:
            pipe.hstrlen(cache.key(subject), name)
        return sum(pipe.execute())

    return cache.client().run(action)


def _settled(record: Record) -> ProductState:
    """How a product does that nobody is asking. One that offers no discovery is answered by its contracts alone."""
    failed = record.failed.get("index")
    if failed is None or failed.retry_at is None:
        return "answered"
    return "before" if record.seen else "silent"


def _reason(record: Record) -> str:
    """Why the product as a whole does not answer."""
    failed = record.failed.get("index")
    return failed.problem.message if failed and _settled(record) != "answered" else ""
