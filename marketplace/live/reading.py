"""Reads descriptor files as the window would read them from a product, and says what came of each.

For the command `read_descriptors` and the tests; no network, no database.
"""

from __future__ import annotations

import gzip
import lzma
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, cast
from urllib.parse import quote

from .errors import ErrorKind, FetchError
from .formats import recognise
from .parsing import parse
from .view import ProductView

_MEDIA_TYPES = {
    ".json": "application/json",
    ".jsonl": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".jsonld": "application/ld+json",
    ".ttl": "text/turtle",
    ".rdf": "application/rdf+xml",
    ".xml": "application/xml",
    ".html": "text/html",
    ".htm": "text/html",
    ".txt": "text/plain",
}
_PACKED = {".xz", ".gz"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One document: `view` and the format's name, else `reason` (and advice) in words and its `kind`; `fault` is a
    fault of ours."""

    path: str
    seconds: float
    format: str | None = None
    view: ProductView | None = None
    kind: ErrorKind | None = None
    reason: str | None = None
    advice: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """`name` is the path, with the line's number where the file holds one document a line."""

    name: str
    body: bytes
    media_type: str


def documents(root: Path, limit: int | None = None) -> Iterator[Document]:
    """Every document below a folder, or in one file, by name; at most `limit` lines of a file of JSON lines.

    Files of unknown kind are taken too: what they are is found out by reading. Raises OSError where one is unreadable.
    """
    paths = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    base = root.parent if root.is_file() else root
    for path in paths:
        name = path.relative_to(base).as_posix()
        suffix = path.with_suffix("").suffix if path.suffix in _PACKED else path.suffix
        media_type = _MEDIA_TYPES.get(suffix.lower(), "")
        if suffix == ".jsonl":
            for number, line in enumerate(islice(_lines(path), limit), 1):
                yield Document(f"{name}:{number}", line, media_type)
        else:
            yield Document(name, b"".join(_lines(path)), media_type)


def _lines(path: Path) -> Iterator[bytes]:
    with _opened(path) as file:
        yield from file


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".xz":
        return lzma.open(path)
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path))
    return path.open("rb")


def read(document: Document) -> Reading:
    """What comes of one document. Never raises: a fault of ours is named as such. `seconds` is processor time."""
    start = time.thread_time()
    address = f"https://descriptors.example/{quote(document.name.replace(':', '/'))}"
    try:
        parsed = parse(document.body, document.media_type)
        module = recognise(parsed)
        view = module.product(parsed, address)
    except FetchError as error:
        seconds = time.thread_time() - start
        return Reading(document.name, seconds, kind=error.kind, reason=error.message, advice=error.advice)
    except Exception as error:  # a fault of a reader has to show, and not to end the list
        fault = f"{type(error).__name__}: {error}"
        return Reading(document.name, time.thread_time() - start, fault=fault)
    return Reading(document.name, time.thread_time() - start, module.NAME, view)
