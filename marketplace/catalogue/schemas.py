"""Schemas as searchable tables: of a contract, or of an artifact that says its columns itself. One page at a time."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from urllib.parse import urlencode

from marketplace.catalogue.bounds import CELL_TEXT, COLUMN_RULES, COLUMN_TEXT, SCHEMAS, Bounds, Rows
from marketplace.catalogue.documents import documentation
from marketplace.catalogue.rows import ColumnRow, NameValue, SchemaBlock
from marketplace.catalogue.text import cut
from marketplace.live import view

PAGE = 50  # columns at once
QUESTION = 200  # characters of a filter; more words find nothing more
DEPTH = 6  # deeper nesting is not indented further


@dataclass(frozen=True)
class Wanted:
    """Which columns of a schema are asked for: those that hold every word of `question`, `page` counted from 1."""

    question: str = ""
    page: int = 1

    @property
    def words(self) -> list[str]:
        return self.question.casefold().split()


ALL = Wanted()


def tables(found: Sequence[view.SchemaView], table_url: str, of: str, bounds: Bounds) -> Rows[SchemaBlock]:
    """The schemas, each with its first columns. `table_url` and `of` say where more come from: see `table`."""
    numbered = enumerate(found)
    return bounds.rows(numbered, lambda entry: table(entry[1], entry[0], table_url, of, ALL, bounds), SCHEMAS)


def table(schema: view.SchemaView, number: int, table_url: str, of: str, wanted: Wanted, bounds: Bounds) -> SchemaBlock:
    """One schema with the wanted columns. `of` names its contract or artifact as the address `table_url` wants it."""
    found = matching(schema.columns, wanted.words)
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(1, wanted.page), pages)
    shown = found[(page - 1) * PAGE : page * PAGE]
    hits = sum(_holds(column, wanted.words) for column in found) if wanted.words else len(found)

    def address(to: int) -> str:
        asked = {"of": of, "n": number, "q": wanted.question, "page": to}
        return f"{table_url}?{urlencode({name: value for name, value in asked.items() if value != ''})}"

    return SchemaBlock(
        id="schema-" + hashlib.sha256(f"{of} {number}".encode(errors="surrogatepass")).hexdigest()[:8],
        name=schema.name,
        title=schema.business_name or "",
        description=bounds.markdown(schema.description, COLUMN_TEXT),
        facts=bounds.rows(_schema_facts(schema), lambda fact: fact),
        documentation=documentation(schema.documentation, bounds),
        columns=bounds.rows(shown, lambda column: _column(column, bounds), PAGE),
        total=len(schema.columns) + schema.left_out,
        hits=hits,
        left_out=schema.left_out,
        url=table_url,
        of=of,
        number=number,
        question=wanted.question,
        page=page,
        pages=pages,
        previous_url=address(page - 1) if page > 1 else "",
        next_url=address(page + 1) if page < pages else "",
    )


def matching(columns: Sequence[view.Column], words: Sequence[str]) -> list[view.Column]:
    """Columns that hold every word, each after those it is nested in, in the order of the document."""
    if not words:
        return list(columns)
    kept: list[view.Column] = []
    above: list[tuple[view.Column, bool]] = []  # from the root down to the column, and whether each is kept already
    for column in columns:
        while above and above[-1][0].depth >= column.depth:
            above.pop()
        hit = _holds(column, words)
        if hit:
            kept += [parent for parent, taken in above if not taken]
            above = [(parent, True) for parent, _ in above]
            kept.append(column)
        above.append((column, hit))
    return kept


def _holds(column: view.Column, words: Sequence[str]) -> bool:
    text = "\n".join(_texts(column)).casefold()
    return all(word in text for word in words)


def _texts(column: view.Column) -> Iterator[str]:
    named = (column.path, column.business_name, column.physical_name, column.logical_type, column.physical_type)
    said = (column.description, column.classification, column.semantic_type, column.format)
    flags = (
        "required" if column.required else None,
        "unique" if column.unique else None,
        "primary key" if column.primary_key else None,
        "critical" if column.critical else None,
        "deprecated" if column.deprecated else None,
    )
    yield from (text for text in (*named, *said, *flags) if text)
    yield from column.tags
    yield from (value.name for value in column.enum)
    yield from (rule.text for rule in column.quality)


def _schema_facts(schema: view.SchemaView) -> Iterator[NameValue]:
    pairs = (
        ("One row is", schema.granularity, False),
        ("Physical name", schema.physical_name if schema.physical_name != schema.name else None, True),
        ("Type", ", ".join(dict.fromkeys(filter(None, (schema.logical_type, schema.physical_type)))), True),
        ("Tags", ", ".join(schema.tags), False),
        ("References", "; ".join(schema.references), True),
        ("State", "deprecated" if schema.deprecated else None, False),
    )
    yield from (NameValue(name, value, mono) for name, value, mono in pairs if value)
    yield from (NameValue(pair.name, pair.value) for pair in schema.custom)


def _column(column: view.Column, bounds: Bounds) -> ColumnRow:
    types = list(dict.fromkeys(filter(None, (column.logical_type, column.physical_type))))
    position = column.primary_key_position
    rules = chain(_value_rules(column), map(in_words, column.quality))
    return ColumnRow(
        name=column.name,
        path=column.path if column.path != column.name else "",
        depth=min(column.depth, DEPTH),
        business_name=column.business_name or "",
        type=types[0] if types else "",
        physical_type=types[1] if len(types) > 1 else "",
        required=bool(column.required),
        unique=bool(column.unique),
        primary_key=column.primary_key,
        key_position=position if column.primary_key and position and position > 0 else None,
        flags=_flags(column),
        classification=column.classification or "",
        description=bounds.markdown(column.description, COLUMN_TEXT),
        quality=bounds.rows(rules, lambda rule: cut(rule, CELL_TEXT * 2), COLUMN_RULES),
        details=bounds.rows(_details(column), lambda detail: detail, COLUMN_RULES),
        documentation=documentation(column.documentation, bounds),
    )


def _flags(column: view.Column) -> list[str]:
    said = {
        "critical data element": column.critical,
        "partitioned": column.partitioned,
        "deprecated": column.deprecated,
    }
    return [name for name, true in said.items() if true]


_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "{} characters or more",
    "maxLength": "{} characters or fewer",
    "pattern": "matches {}",
    "multipleOf": "a multiple of {}",
}


def _value_rules(column: view.Column) -> Iterator[str]:
    """What a value must be, of what the type's own options say."""
    if column.enum:
        values = [value.name if value.name == value.value else f"{value.name} ({value.value})" for value in column.enum]
        yield "one of " + ", ".join(values)
    for option in column.options:
        if option.name in _BOUNDS:
            yield _BOUNDS[option.name].format(option.value)


def _details(column: view.Column) -> Iterator[NameValue]:
    pairs = (
        ("Physical name", column.physical_name if column.physical_name != column.name else None),
        ("Meaning type", column.semantic_type),
        ("Format", column.format),
        ("Examples", ", ".join(column.examples)),
        ("Values", "; ".join(f"{v.name}: {v.description}" for v in column.enum if v.description)),
        ("References", "; ".join(column.references)),
        ("Made by", column.transform),
        ("Tags", ", ".join(column.tags)),
    )
    yield from (NameValue(name, cut(value, COLUMN_TEXT)) for name, value in pairs if value)
    others = (option for option in column.options if option.name not in _BOUNDS)
    yield from (NameValue(pair.name, cut(pair.value, COLUMN_TEXT)) for pair in chain(others, column.custom))


def in_words(rule: view.QualityRule) -> str:
    """What the rule asks; of a query only its author's description says that."""
    return rule.description if rule.query and rule.description else rule.text
