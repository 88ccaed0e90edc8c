"""Questions reach the one process that holds the model, and never wait long for it."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import redis

from marketplace.runtime.paths import REPOSITORY
from search import questions
from search.embedder import HashingEmbedder
from search.questions import QuestionService, embed_question


def test_a_question_gets_the_vector_of_the_model(answering: QuestionService) -> None:
    vector = embed_question("how much rain")
    assert vector is not None
    assert np.allclose(vector, HashingEmbedder().embed(["how much rain"])[0], atol=1e-3)


def test_a_question_asked_before_needs_no_embedder(answering: QuestionService) -> None:
    first = embed_question("how much rain")
    answering.stop()
    answering.join(5)
    assert first is not None
    again = embed_question("  How  much RAIN ")
    assert again is not None and np.array_equal(first, again)


def test_nobody_alive_is_known_at_once() -> None:
    started = time.perf_counter()
    assert embed_question("how much rain") is None
    assert time.perf_counter() - started < 0.2


def test_an_embedder_that_hangs_costs_its_budget_once(fresh_redis: redis.Redis) -> None:
    fresh_redis.set("search:alive:hashing", 1)
    started = time.perf_counter()
    assert embed_question("how much rain") is None
    assert 0.3 < time.perf_counter() - started < 0.7
    started = time.perf_counter()
    assert embed_question("how much snow") is None
    assert time.perf_counter() - started < 0.05
    assert fresh_redis.llen("search:waiting:hashing") == 0  # nobody will work for those who have gone


def test_a_lost_redis_slows_one_search_and_not_the_next(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    started = time.perf_counter()
    assert embed_question("how much rain") is None
    assert time.perf_counter() - started < 0.5
    started = time.perf_counter()
    for _ in range(20):
        assert embed_question("how much snow") is None
    assert time.perf_counter() - started < 0.05


def test_many_ask_at_once_and_each_gets_its_own(answering: QuestionService) -> None:
    asked = [f"question {number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        vectors = list(pool.map(embed_question, asked))
    expected = HashingEmbedder().embed(asked)
    for vector, wanted in zip(vectors, expected, strict=True):
        assert vector is not None and np.allclose(vector, wanted, atol=1e-3)


def test_several_embedders_share_the_questions(answering: QuestionService) -> None:
    second = QuestionService()
    second.start()
    assert second.ready.wait(10)
    assert all(embed_question(f"question {number}") is not None for number in range(20))
    answering.stop()
    answering.join(5)
    assert embed_question("still answered") is not None
    second.stop()
    second.join(5)


@pytest.mark.parametrize("text", ["", "   "])
def test_no_words_need_no_vector(text: str, answering: QuestionService) -> None:
    assert embed_question(text) is None
    assert not questions.circuit.is_open()


@pytest.mark.parametrize(
    "raw", [b"not JSON", b"[]", b"{}", b'{"text": 1, "reply": "x"}', b'{"text": "x", "reply": {}}']
)
def test_what_is_no_question_does_not_end_the_answering(
    answering: QuestionService, fresh_redis: redis.Redis, wait_for: Any, raw: bytes
) -> None:
    fresh_redis.rpush("search:waiting:hashing", raw)
    wait_for(lambda: fresh_redis.llen("search:waiting:hashing") == 0)

    def answered() -> bool:
        questions.circuit.close()
        return embed_question("how much rain") is not None

    wait_for(answered)
    assert answering.is_alive()


def test_a_model_that_fails_on_one_question_answers_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fragile(HashingEmbedder):
        def embed(self, texts: Any) -> Any:
            if "poison" in texts:
                raise RuntimeError("the model cannot do this")
            return super().embed(texts)

    monkeypatch.setattr(questions, "load_embedder", Fragile)
    service = QuestionService()
    service.start()
    assert service.ready.wait(10)
    assert embed_question("poison") is None
    questions.circuit.close()
    assert embed_question("how much rain") is not None
    service.stop()
    service.join(5)


def test_a_worker_whose_model_cannot_be_loaded_ends(settings: Any, tmp_path: Any) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "marketplace", "worker", "-Q", "embed", "--pool", "solo"],
        env={**os.environ, "EMBEDDING_MODEL": str(tmp_path / "no-such-model")},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "search.embedder_failed" in told.stderr
    assert "no-such-model" in told.stderr
