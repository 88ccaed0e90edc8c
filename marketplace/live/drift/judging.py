"""How grave the change of one attribute is.

Major: what worked may fail, for who reads the data or who delivers rows. Minor: more is there, or something else is
promised, and what worked goes on working. Patch: words about it. Where that cannot be told, the graver one is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..view import NamedValue, QualityRule, Role, Server, SlaRow, Team
from . import limits
from .changes import Change
from .facts import Kind, Node, canonical, key_of, same
from .versions import Level

SHOWN = 300  # characters of a text that a change shows
Judge = Callable[[str, Any, Any], Iterator[Change]]


def judge(before: Node, after: Node) -> Iterator[Change]:
    """The changes between two nodes themselves, not of those below them; at least one where their facts differ."""
    for name in sorted({*before.facts, *after.facts}):
        if before.facts.get(name) == after.facts.get(name):
            continue
        old, new = getattr(before.view, name), getattr(after.view, name)
        found = list(JUDGES[before.kind][name](name, old, new))
        # However the parts of a value were told apart: that it differs is never lost.
        yield from found or [Change("metadata", "patch", name, before=shown(old), after=shown(new))]


def shown(value: Any) -> str:
    """A value as a short text; "" for what is not said."""
    text = ", ".join(map(_label, value[:50])) if isinstance(value, tuple) else _label(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"


def _label(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    if isinstance(value, NamedValue):
        return f"{value.name}: {value.value}"
    if isinstance(value, Team):
        return ", ".join(filter(None, (value.name, *(person.label for person in value.members[:50]))))
    names = ("text", "label", "channel", "url")
    return next((str(found) for name in names if (found := getattr(value, name, None))), "") or str(value)


def _words(kind: str, level: Level = "patch") -> Judge:
    """Always the same level."""

    def judged(name: str, old: Any, new: Any) -> Iterator[Change]:
        yield Change(kind, level, name, before=shown(old), after=shown(new))

    return judged


def _flag(kind: str, level: Level) -> Judge:
    """Yes or no; not said is no, as in ODCS."""

    def judged(name: str, old: bool | None, new: bool | None) -> Iterator[Change]:
        yield Change(kind, level, name, before=shown(bool(old)), after=shown(bool(new)))

    return judged


def _promised(kind: str, level: Level = "major") -> Judge:
    """What others build on: to say it for the first time breaks nobody, to change or withdraw it may."""

    def judged(name: str, old: Any, new: Any) -> Iterator[Change]:
        yield Change(kind, level if old else "minor", name, before=shown(old), after=shown(new))

    return judged


def _type(name: str, old: str | None, new: str | None) -> Iterator[Change]:
    yield Change("type", limits.type_level(old, new), name, before=shown(old), after=shown(new))


def _format(name: str, old: str | None, new: str | None) -> Iterator[Change]:
    """Any text is more than one format, so that to ask for a format is narrower."""
    yield Change("format", "major" if new else "minor", name, before=shown(old), after=shown(new))


def _position(name: str, old: int | None, new: int | None) -> Iterator[Change]:
    yield Change("key", "major" if old and new else "patch", name, before=shown(old), after=shown(new))


def _status(name: str, old: str | None, new: str | None) -> Iterator[Change]:
    said = (new or "").lower()
    level: Level = "major" if said == "retired" else "minor" if "deprecated" in (said, (old or "").lower()) else "patch"
    yield Change("status", level, name, before=shown(old), after=shown(new))


def _left_out(name: str, old: int, new: int) -> Iterator[Change]:
    yield Change("not_compared", "major" if new < old else "minor", name, before=shown(old), after=shown(new))


def _limits(name: str, old: Sequence[NamedValue], new: Sequence[NamedValue]) -> Iterator[Change]:
    """`logicalTypeOptions`, one by one."""
    for option, before, after in _pairs(old, new, lambda entry: entry.name):
        was, now = (before.value if before else None), (after.value if after else None)
        kind, level = limits.option_level(option, was, now)
        yield Change(kind, level, f"{name}.{option}"[:100], before=shown(was), after=shown(now))


def _values(name: str, old: Sequence[NamedValue], new: Sequence[NamedValue]) -> Iterator[Change]:
    was, now = {entry.value for entry in old}, {entry.value for entry in new}
    if was == now:
        yield Change("description", "patch", name, before=shown(_labels(old)), after=shown(_labels(new)))
        return
    # No list at all allows everything.
    narrower = bool(new) and (not old or bool(was - now))
    gone, come = tuple(sorted(was - now)), tuple(sorted(now - was))
    yield Change("values", "major" if narrower else "minor", name, before=shown(gone), after=shown(come))


def _labels(entries: Sequence[NamedValue]) -> tuple[str, ...]:
    return tuple(" ".join(filter(None, (entry.name, entry.description))) for entry in entries)


def _rules(name: str, old: Sequence[QualityRule], new: Sequence[QualityRule]) -> Iterator[Change]:
    for label, before, after in _pairs(old, new, lambda rule: rule.name or rule.text):
        words = before and after and _alike(before, after, description=None, business_impact=None)
        kind = "description" if words else "quality"
        yield Change(kind, "patch" if words else "minor", name, name=label, before=_rule(before), after=_rule(after))


def _rule(rule: QualityRule | None) -> str:
    return shown(rule.text) if rule else ""


def _levels(name: str, old: Sequence[SlaRow], new: Sequence[SlaRow]) -> Iterator[Change]:
    for label, before, after in _pairs(old, new, lambda row: " ".join(filter(None, (row.property, row.element)))):
        words = before and after and _alike(before, after, description=None)
        kind = "description" if words else "sla"
        was, now = (shown(before.text) if before else ""), (shown(after.text) if after else "")
        yield Change(kind, "patch" if words else "minor", name, name=label, before=was, after=now)


def _references(name: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    for label, before, after in _pairs(old, new, str):
        yield Change("relationship", "minor", name, name=shown(label), before=shown(before), after=shown(after))


def _policies(name: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    for label, before, after in _pairs(old, new, lambda term: term.text):
        yield Change("policy", "minor", name, name=shown(label), before=shown(before), after=shown(after))


def _servers(name: str, old: Sequence[Server], new: Sequence[Server]) -> Iterator[Change]:
    for label, before, after in _pairs(old, new, lambda server: server.name or server.type or ""):
        if before is None or after is None:
            if before is None:
                yield Change("server.added", "minor", name, name=label)
            else:
                yield Change("server.removed", "major", name, name=label)
            continue
        for attribute, kind in (("type", ""), ("environment", ""), ("description", "description")):
            was, now = getattr(before, attribute), getattr(after, attribute)
            if was != now:
                yield _of_server(f"{name}.{attribute}", label, was, now, kind)
        for setting, one, other in _pairs(before.settings, after.settings, lambda entry: entry.name):
            was, now = (one.value if one else None), (other.value if other else None)
            yield _of_server(f"{name}.{setting}"[:100], label, was, now, "description" if was == now else "")


def _of_server(attribute: str, label: str, was: str | None, now: str | None, words: str) -> Change:
    level: Level = "patch" if words else "major" if was else "minor"
    return Change(words or "server.changed", level, attribute, name=label, before=shown(was), after=shown(now))


def _roles(name: str, old: Sequence[Role], new: Sequence[Role]) -> Iterator[Change]:
    for label, before, after in _pairs(old, new, lambda role: role.role):
        if before is None:
            yield Change("role.added", "minor", name, name=label, after=shown(after.access if after else ""))
        elif after is None:
            yield Change("role.removed", "major", name, name=label, before=shown(before.access))
        else:
            level: Level = "major" if before.access != after.access else "patch"
            yield Change(
                "role.changed", level, name, name=label, before=shown(before.access), after=shown(after.access)
            )


def _alike(before: Any, after: Any, **without: Any) -> bool:
    return same(replace(before, **without), replace(after, **without))


def _pairs(
    old: Sequence[Any], new: Sequence[Any], key: Callable[[Any], str]
) -> Iterator[tuple[str, Any | None, Any | None]]:
    """Entries that differ, paired by key: (key, before, after); those alike are left out, whatever their order."""
    was, now = _grouped(old, key), _grouped(new, key)
    for label in sorted({*was, *now}):
        befores, afters = was.get(label, {}), now.get(label, {})
        for fact in befores.keys() & afters.keys():
            befores, afters = _taken(befores, afters, fact)
        left = [entry for fact in sorted(befores) for entry in befores[fact]]
        right = [entry for fact in sorted(afters) for entry in afters[fact]]
        for place in range(max(len(left), len(right))):
            yield (
                shown(label),
                left[place] if place < len(left) else None,
                right[place] if place < len(right) else None,
            )


Group = dict[str, list[Any]]


def _grouped(entries: Iterable[Any], key: Callable[[Any], str]) -> dict[str, Group]:
    found: dict[str, Group] = {}
    for entry in entries:
        if canonical(entry):
            found.setdefault(key(entry), {}).setdefault(key_of(entry), []).append(entry)
    return found


def _taken(befores: Group, afters: Group, fact: str) -> tuple[Group, Group]:
    """Both without as many of this entry as they have in common."""
    common = min(len(befores[fact]), len(afters[fact]))
    return (
        {name: entries[common:] if name == fact else entries for name, entries in befores.items()},
        {name: entries[common:] if name == fact else entries for name, entries in afters.items()},
    )


_DESCRIPTION, _METADATA = _words("description"), _words("metadata")

_SHARED: dict[str, Judge] = {
    "business_name": _DESCRIPTION,
    "description": _DESCRIPTION,
    "tags": _METADATA,
    "documentation": _METADATA,
    "custom": _METADATA,
    "quality": _rules,
    "deprecated": _flag("deprecated", "minor"),
    "physical_name": _promised("physical_name"),
    "logical_type": _type,
    "physical_type": _type,
    "references": _references,
}

JUDGES: dict[Kind, dict[str, Judge]] = {
    "contract": {
        "standard": _METADATA,
        "id": _words("id", "major"),
        "name": _DESCRIPTION,
        "status": _status,
        "domain": _METADATA,
        "tenant": _METADATA,
        "data_product": _METADATA,
        "purpose": _DESCRIPTION,
        "limitations": _DESCRIPTION,
        "usage": _DESCRIPTION,
        "created": _METADATA,
        "tags": _METADATA,
        "quality": _rules,
        "sla": _levels,
        "servers": _servers,
        "team": _words("team"),
        "support": _words("team"),
        "roles": _roles,
        "price": _words("price", "minor"),
        "documentation": _METADATA,
        "custom": _METADATA,
        "policies": _policies,
    },
    "schema": {**_SHARED, "granularity": _DESCRIPTION, "left_out": _left_out},
    "column": {
        **_SHARED,
        "required": _flag("required", "major"),
        "unique": _flag("unique", "major"),
        "primary_key": _flag("key", "major"),
        "primary_key_position": _position,
        "partitioned": _flag("partition", "minor"),
        "critical": _METADATA,
        "classification": _words("classification", "minor"),
        "semantic_type": _METADATA,
        "format": _format,
        "options": _limits,
        "examples": _DESCRIPTION,
        "enum": _values,
        "transform": _DESCRIPTION,
    },
}
