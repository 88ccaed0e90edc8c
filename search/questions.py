"""Questions to vectors across processes: the web side asks, the process with the model answers, through Redis.

Keys, all with a time to live, for one model each: a list of waiting questions, a list per question for its answer, a
sign of life of the answering side, and a cache of vectors. Losing them costs a search its vectors once, nothing else.
"""

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from search.embedder import Embedder, Vectors, load_embedder, model_name

log = structlog.get_logger(__name__)

BUDGET = 0.4  # seconds a search waits for its vector before it goes on by text alone
PAUSE = 5.0  # seconds without asking, once Redis did not answer
OVERLOAD_PAUSE = 1.0  # the same, once the embedder did not
ALIVE = 5  # seconds that a sign of life is valid
TOGETHER = 8  # questions embedded in one go where several wait
CACHE = 24 * 3600  # seconds that a question's vector is kept


class _Circuit:
    """Keeps a lost Redis from slowing each request of this process."""

    def __init__(self) -> None:
        self._until = 0.0

    def is_open(self) -> bool:
        return time.monotonic() < self._until

    def open(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def close(self) -> None:
        self._until = 0.0


circuit = _Circuit()


@lru_cache(maxsize=2)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_connect_timeout=0.25, socket_timeout=BUDGET + 0.2, retry=Retry(NoBackoff(), 0), protocol=2
    )


def client() -> redis.Redis:
    """The Redis of this module, which gives up early. Opens no connection yet."""
    return _client(settings.REDIS_URL)


def _key(kind: str, rest: str = "") -> str:
    return f"search:{kind}:{model_name()}{rest and ':'}{rest}"


def _cache_key(text: str) -> str:
    return _key("vector", hashlib.sha1(text.casefold().encode(), usedforsecurity=False).hexdigest())


def embed_question(text: str) -> Vectors | None:
    """The vector of a question, shape (384,), or None where nobody answers in time.

    One exchange with Redis where the question was asked before, two and about 15 ms where not; 0.4 s at most. None at
    once where Redis is lost, or no embedder is alive.
    """
    text = " ".join(text.split())
    if not text or circuit.is_open():
        return None
    try:
        return _ask(client(), text)
    except redis.RedisError as error:
        circuit.open(PAUSE)
        log.warning("search.redis_unreachable", error=str(error))
        return None


def _ask(server: redis.Redis, text: str) -> Vectors | None:
    cached, alive = server.mget(_cache_key(text), _key("alive"))
    if isinstance(cached, bytes):
        return np.frombuffer(cached, dtype=np.float16).astype(np.float32)
    if not alive:
        return None
    reply = _key("reply", uuid.uuid4().hex)
    question = json.dumps({"text": text, "reply": reply})
    with server.pipeline(transaction=False) as pipe:
        pipe.rpush(_key("waiting"), question)
        pipe.expire(_key("waiting"), 10)
        pipe.blpop([reply], timeout=BUDGET)
        answer = pipe.execute()[-1]
    if answer is None:
        server.lrem(_key("waiting"), 1, question)
        circuit.open(OVERLOAD_PAUSE)
        log.warning("search.embedder_slow", budget_s=BUDGET)
        return None
    return np.frombuffer(answer[1], dtype=np.float16).astype(np.float32)


class QuestionService(threading.Thread):
    """Answers questions in the process that holds the model: loads it first, and only then says it is alive."""

    def __init__(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """`on_failure` is called, in the thread, where the model cannot be loaded; the thread then ends."""
        super().__init__(name="embed-questions", daemon=True)
        self._on_failure = on_failure
        self._stopping = threading.Event()
        self.ready = threading.Event()

    def stop(self) -> None:
        """Ends the thread within about a second."""
        self._stopping.set()

    def run(self) -> None:
        """Loads, warms, then answers until stopped; a lost Redis is waited for, and no question ends it."""
        started = time.monotonic()
        try:
            embedder = load_embedder()
            embedder.embed(["how much rain falls where"])
        except Exception:
            log.exception("search.embedder_failed", setting=settings.EMBEDDING_MODEL)
            self._on_failure()
            return
        log.info("search.embedder_ready", model=embedder.name, took_s=round(time.monotonic() - started, 1))
        server = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=5, protocol=2)
        while not self._stopping.is_set():
            try:
                self._serve(server, embedder)
            except redis.RedisError as error:
                log.warning("search.redis_unreachable", error=str(error))
                self._stopping.wait(1)
            except Exception:
                # Whoever asked goes on by text alone; those who ask next must still be answered.
                log.exception("search.question_failed")
                self._stopping.wait(0.1)
        server.close()

    def _serve(self, server: redis.Redis, embedder: Embedder) -> None:
        waiting, alive = _key("waiting"), _key("alive")
        next_sign = 0.0
        while not self._stopping.is_set():
            if time.monotonic() >= next_sign:
                server.set(alive, 1, ex=ALIVE)
                next_sign = time.monotonic() + 1
                self.ready.set()
            first = server.blpop([waiting], timeout=1)
            if first is not None:
                more = server.lpop(waiting, TOGETHER - 1) or []
                self._answer(server, embedder, [json.loads(raw) for raw in [first[1], *more]])

    def _answer(self, server: redis.Redis, embedder: Embedder, questions: list[dict[str, str]]) -> None:
        vectors = embedder.embed([question["text"] for question in questions]).astype(np.float16)
        with server.pipeline(transaction=False) as pipe:
            for question, vector in zip(questions, vectors, strict=True):
                pipe.rpush(question["reply"], vector.tobytes())
                pipe.expire(question["reply"], 5)
                pipe.set(_cache_key(question["text"]), vector.tobytes(), ex=CACHE)
            pipe.execute()
