"""What comes of the guided form: one immutable set of answers, and what is read out of its lists. Pure, no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from registry.models import SUMMARY_LIMIT
from registry.text import CONTROL, cut, plain_text

COLUMNS_LIMIT = 100
INPUTS_LIMIT = 30
LOGICAL_TYPES = {
    "text": ("string", "VARCHAR"),
    "number": ("number", "DOUBLE"),
    "whole number": ("integer", "BIGINT"),
    "yes/no": ("boolean", "BOOLEAN"),
    "date": ("date", "DATE"),
    "time": ("timestamp", "TIMESTAMP"),
}
_ALSO = {
    **dict.fromkeys(("string", "str", "varchar", "char", "words"), "text"),
    **dict.fromkeys(("float", "double", "decimal", "real"), "number"),
    **dict.fromkeys(("int", "integer", "whole", "bigint", "count"), "whole number"),
    **dict.fromkeys(("bool", "boolean", "yes", "flag"), "yes/no"),
    **dict.fromkeys(("day",), "date"),
    **dict.fromkeys(("timestamp", "datetime", "date and time"), "time"),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_CONTRACT = re.compile(r"([A-Za-z0-9][\w.:-]{0,190})@(\d[\w.+-]{0,38})")
_url = URLValidator(schemes=["http", "https"])


@dataclass(frozen=True, slots=True)
class ColumnAnswer:
    """A column as it was described; `type` is one of LOGICAL_TYPES."""

    name: str
    type: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class InputAnswer:
    """What it is made from: a contract (`id` and `version`), an address, or words."""

    text: str
    contract_id: str = ""
    version: str = ""

    @property
    def is_url(self) -> bool:
        return self.text.lower().startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Answers:
    """A form that was taken. All texts are the producer's own; `port` is the name of the one output port."""

    id: str
    name: str
    title: str
    domain: str
    team: str
    what: str
    who: str
    purpose: str
    format: str = "csv"
    access_mode: str = "on_request"
    access_policy: str = ""
    type: str = ""
    tags: tuple[str, ...] = ()
    columns: tuple[ColumnAnswer, ...] = ()
    inputs: tuple[InputAnswer, ...] = ()
    owner_name: str = ""
    email: str = ""
    steward: str = ""
    frequency: str = ""
    availability: str = ""
    license: str = ""
    classification: str = ""
    limitations: str = ""

    @property
    def contract_id(self) -> str:
        """The contract of the one output port."""
        return f"{self.name}-data"

    @property
    def summary(self) -> str:
        """Two short paragraphs for the listing: what it is, and who uses it what for."""
        for_whom = f"For {_begin(self.who)}: {_begin(self.purpose)}"
        for_whom += "" if for_whom.endswith((".", "!", "?")) else "."
        first = plain_text(self.what)
        return f"{first}\n\n{cut(plain_text(for_whom), SUMMARY_LIMIT - len(first) - 2)}"


def _begin(text: str) -> str:
    """As it goes on within a sentence: a first capital goes, except of a word like NASA or an I."""
    flat = " ".join(text.split()).rstrip(" .")
    return flat[:1].lower() + flat[1:] if flat[:2].istitle() and flat[1:2].islower() else flat


def clean(text: str) -> str:
    """Text without control characters; white space at its ends goes, lines stay. Markup is text like any other."""
    return CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def columns_of(text: str) -> tuple[ColumnAnswer, ...]:
    """One column a line: name, type, meaning. Raises ValidationError that names the line."""
    found: dict[str, ColumnAnswer] = {}
    problems: list[str] = []
    for number, line in _lines(text):
        parts = [part.strip() for part in line.split(",", 2)]
        name, said = parts[0], (parts[1].lower() if len(parts) > 1 else "text")
        kind = _ALSO.get(said, said or "text")
        if not _NAME.fullmatch(name):
            problems.append(f"Line {number}: {name[:40]!r} is no name of a column; use letters, digits and _.")
        elif kind not in LOGICAL_TYPES:
            problems.append(f"Line {number}: {said[:40]!r} is no type. Use one of {', '.join(LOGICAL_TYPES)}.")
        elif name.lower() in found:
            problems.append(f"Line {number}: the column {name} is there twice.")
        else:
            found[name.lower()] = ColumnAnswer(name, kind, clean(parts[2]) if len(parts) > 2 else "")
    _refuse(problems, len(found), COLUMNS_LIMIT, "columns")
    return tuple(found.values())


def inputs_of(text: str) -> tuple[InputAnswer, ...]:
    """One input a line: contract@version, an address, or words. Raises ValidationError that names the line."""
    found: dict[str, InputAnswer] = {}
    problems: list[str] = []
    for number, line in _lines(text):
        given = InputAnswer(clean(line)[:400])
        if contract := _CONTRACT.fullmatch(line):
            given = InputAnswer(line, contract[1], contract[2])
        elif given.is_url:
            try:
                _url(given.text)
            except ValidationError:
                problems.append(f"Line {number}: {given.text[:80]!r} is no web address.")
                continue
        if given.text:
            found.setdefault(given.text, given)
    _refuse(problems, len(found), INPUTS_LIMIT, "lines")
    return tuple(found.values())


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def _refuse(problems: Sequence[str], count: int, limit: int, what: str) -> None:
    if count > limit:
        raise ValidationError(f"These are {count} {what}; at most {limit} are taken. Put the rest into the files.")
    if problems:
        raise ValidationError(list(problems[:5]))
