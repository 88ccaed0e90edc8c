"""The model that the marketplace comes with, on a real catalogue: a question in other words than the answer's."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.catalogue import lines
from marketplace.runtime.paths import REPOSITORY
from registry import events
from registry.importing import import_lines
from search import indexer, queries
from search.embedder import Embedder, load_embedder
from search.models import Document
from search.questions import QuestionService


@pytest.fixture
def model(hashing_embedder: None, settings: Any) -> Embedder:
    """The packaged model; seven seconds for the first test."""
    settings.EMBEDDING_MODEL = "packaged"
    return load_embedder()


@pytest.fixture
def answering(model: Embedder) -> Iterator[QuestionService]:
    service = QuestionService()
    service.start()
    assert service.ready.wait(30)
    yield service
    service.stop()
    service.join(5)


def test_vectors_have_unit_length_and_do_not_depend_on_their_company(model: Embedder) -> None:
    texts = [f"{'rain falls here and there. ' * n} {n}" for n in range(1, 20)]
    together, alone = model.embed(texts), np.vstack([model.embed([text]) for text in texts])
    assert together.shape == (19, 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-3)
    assert np.allclose(together, alone, atol=1e-3)


def test_like_meanings_are_near_without_a_word_in_common(model: Embedder) -> None:
    rain, near, far = model.embed(["How much rain fell", "Monthly precipitation totals", "Stock prices of banks"])
    assert rain @ near > 0.4 > 0.2 > rain @ far


def a_part_of(lines: Iterable[Any]) -> Iterator[Any]:
    """Every fifth entry, for time, and all that speak of the sun, so that the right one has rivals."""
    return (line for number, line in enumerate(lines) if number % 5 == 0 or "solar" in str(line).lower())


@pytest.mark.django_db
def test_a_real_catalogue_answers_a_question_in_plain_words(
    shared_data: Path, model: Embedder, answering: QuestionService
) -> None:
    *_, outcome = import_lines(a_part_of(lines(shared_data / "aws-open-data" / "datasets.jsonl.gz")))
    assert outcome.created > 250, outcome.refused
    events.deliver("search")
    assert Document.objects.count() == outcome.created
    while indexer.embed_stale(model, 256):
        pass
    found = queries.search("how much sun reaches the ground, to site solar panels")
    assert found.mode == "meaning+text"
    assert "NREL National Solar Radiation Database" in [hit.product.title for hit in found.hits[:10]]


def test_loading_writes_no_progress_bar_into_the_log() -> None:
    code = "import django; django.setup(); from search.embedder import load_embedder; load_embedder()"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "EMBEDDING_MODEL": "packaged", "DJANGO_SETTINGS_MODULE": "marketplace.settings"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Loading" not in told.stderr and "it/s" not in told.stderr
