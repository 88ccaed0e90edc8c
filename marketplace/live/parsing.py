"""Bytes from outside → a plain document (dict, list, str, int, float, bool, None), safely.

JSON and YAML as they are; RDF (Turtle, N-Triples, RDF/XML) as flattened JSON-LD; of a web page the JSON-LD it carries.

Limits stand before anything is built from the text: size (the door's), depth, number of nodes, and what YAML aliases
would expand to. Text is clean afterwards: no NUL, no lone surrogates. `${VAR:-x}` (allowed in ODPS 1.1) stays verbatim.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Sized
from typing import Any

import yaml

from . import rdf, webpage
from .errors import FetchError

MAX_DEPTH = 64
MAX_NODES = 200_000

Document = dict[str, Any] | list[Any]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# How files that are no text begin, so that they are named for what they are; nothing is ever unpacked.
_BINARY = (
    (b"PK\x03\x04", "a ZIP archive (or an office document)"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"(\xb5/\xfd", "a zstd file"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"%PDF-", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"SQLite format 3\x00", "an SQLite database"),
)
# Character sets that may be named in a Content-Type. Python knows more codecs, some of which are not character sets.
_CHARSET = re.compile(
    r"utf-?8|utf-?16(-?[lb]e)?|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-125\d|cp125\d|"
    r"shift[_-]jis|euc-(jp|kr)|gb2312|gbk|gb18030|big5|koi8-[ru]"
)
_HTML_START = re.compile(r"<(!doctype\s+html|html|head|body|script)\b", re.IGNORECASE)
_BLANKS = re.compile(r"\s*")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


def parse(body: bytes, media_type: str = "", charset: str | None = None, base: str = "") -> Document:
    """The document in `body`. Raises FetchError("bad_content") with the reason and what to do.

    `base` is what relative addresses in RDF begin at; the other formats keep theirs as written.

    Costs CPU in proportion to the size: up to about a second for 2 MB of YAML, so large bodies belong in a thread.
    """
    if not body.strip():
        raise _bad("The answer is empty.", "The address has to answer with a descriptor, such as ODPS or ODCS.")
    if kind := next((kind for start, kind in _BINARY if body.startswith(start)), None):
        raise _bad(
            f"The answer is {kind}, not a descriptor.",
            "Point the link at a description of the data product, not at data.",
        )
    text = decode(body, charset)
    if media_type in ("text/html", "application/xhtml+xml") or _is_html(text):
        return _web_page(text)
    if syntax := rdf.syntax_of(text, media_type):
        return rdf.from_text(text, syntax, base)
    if text.lstrip()[:1] == "<":
        raise _bad(
            "The answer is XML of a kind that is not read here.",
            "Point the link at a JSON, YAML or RDF descriptor; of XML, only RDF/XML is read.",
        )
    document = _json(text) if text.lstrip()[:1] in ("{", "[") and "yaml" not in media_type else None
    if document is None:
        document = _yaml(text)
    if not isinstance(document, (dict, list)):
        raise _bad(
            "The answer is plain text, not a descriptor.",
            "The address has to answer with JSON, YAML or RDF, such as an ODPS, ODCS or DCAT document.",
        )
    cleaned: Document = _clean(document, [1], 0)
    return cleaned


def _is_html(text: str) -> bool:
    """Whether a web page begins here, after any comments. Linear: a pattern for the comments too would backtrack."""
    position = _blanks(text, 0)
    while text.startswith("<!--", position):
        end = text.find("-->", position + 4)
        if end < 0:
            return False
        position = _blanks(text, end + 3)
    return _HTML_START.match(text, position) is not None


def _blanks(text: str, position: int) -> int:
    found = _BLANKS.match(text, position)
    return found.end() if found else position


def may_be_linked_data(body: bytes) -> bool:
    """Whether reading it may need rdflib, which takes half a second to load the first time: not in an event loop."""
    return b"@context" in body or b"http://www.w3.org/" in body


def _web_page(text: str) -> Document:
    found, broken = webpage.embedded(text)
    # Lists are taken apart, so that one page gives one list of its things, whichever way it groups them.
    things = [thing for value in found for thing in (value if isinstance(value, list) else [value])]
    things = [thing for thing in things if isinstance(thing, dict)]
    if things:
        cleaned: Document = _clean(things[0] if len(things) == 1 else things, [1], 0)
        return cleaned
    if broken:
        raise _bad(
            "The address answered with a web page whose JSON-LD is broken.",
            "Check the page with a validator of structured data, such as validator.schema.org.",
        )
    raise _bad(
        "The address answered with a web page that carries no description of data (schema.org in JSON-LD).",
        "Use the address of the descriptor itself, often ending in /discover, .json or .yaml. "
        "A web page may also mean that signing in is asked for.",
    )


def decode(body: bytes, charset: str | None) -> str:
    """The text in `body` by its byte order mark, else by the charset named, else UTF-8. Raises FetchError."""
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            body, charset = body[len(bom) :], encoding
            break
    else:
        if charset and not _CHARSET.fullmatch(charset):
            raise _bad(f"The answer says its character set is {charset[:40]!r}, which is not known.", _MEND_CHARSET)
    encoding = charset or "utf-8"
    try:
        text = body.decode(encoding)
    except LookupError as exc:
        raise _bad(f"The answer says its character set is {encoding!r}, which is not known.", _MEND_CHARSET) from exc
    except UnicodeDecodeError as exc:
        raise _bad(
            f"The answer is not the {encoding} text it should be (byte {exc.start + 1} does not fit).", _MEND_CHARSET
        ) from exc
    if "\x00" in text:
        raise _bad("The answer contains NUL bytes: it is binary data, or damaged.", _MEND_CHARSET)
    return text


_MEND_CHARSET = "The gateway should send UTF-8 and say so in Content-Type."


def _bad(message: str, advice: str) -> FetchError:
    return FetchError("bad_content", message, advice)


def _too_complex(what: str) -> FetchError:
    return _bad(f"The document {what}.", "A descriptor of a data product is far smaller. Point the link at one.")


def _json(text: str) -> Any:
    """The JSON value, or None where a document that begins like JSON may still be YAML (flow style)."""
    try:
        # NaN and Infinity are not JSON, but many programs write them; as text they harm nobody.
        # Line breaks and tabs within texts are not JSON either, and as common.
        return json.loads(text, parse_constant=str, parse_float=_finite, strict=False)
    except RecursionError as exc:
        raise _too_complex(f"is nested deeper than {MAX_DEPTH} levels") from exc
    except json.JSONDecodeError as exc:
        if not re.match(r'\s*[\[{]\s*("|\[|\{|\]|\}|-?\d|true|false|null|$)', text[:1000]):
            return None
        raise _bad(
            f"The JSON is broken at line {exc.lineno}, column {exc.colno}: {exc.msg}.",
            "Check the document with a JSON validator.",
        ) from exc
    except ValueError as exc:
        raise _bad("The JSON contains a number that is too long to read.", "Check the document.") from exc


def _finite(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


class _Loader(yaml.CSafeLoader):
    """Safe loading by YAML 1.2's core schema: dates, `no`, `on` and 12:30:45 stay the texts they are."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+0123456789."),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), [*_first, ""])


def _int(loader: _Loader, node: yaml.ScalarNode) -> Any:
    text = loader.construct_scalar(node)
    plain = text.lstrip("+-")
    if len(plain) > 1000:
        return text
    # 007 is 7 in YAML 1.2, but what is written with leading zeros is a code (a post code, an id) and has to keep them.
    return text if len(plain) > 1 and plain[0] == "0" and plain[1].isdigit() else int(text, 0)


def _as_text(loader: _Loader, node: yaml.Node) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a text was expected here", node.start_mark)
    return loader.construct_scalar(node)


def _float(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return _finite(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
for _name in ("timestamp", "binary"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _as_text)


def _yaml(text: str) -> Any:
    try:
        _check_yaml(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _bad(
            f"The YAML is broken{where}: {exc.problem or exc.context or 'not readable'}.",
            "Check the document with a YAML validator.",
        ) from exc
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, LookupError, AttributeError) as exc:
        raise _bad("The document is neither readable JSON nor YAML.", "Check it with a validator.") from exc
    except RecursionError as exc:
        raise _too_complex(f"is nested deeper than {MAX_DEPTH} levels") from exc


def _check_yaml(text: str) -> None:
    """Counts before anything is built: depth, nodes, and nodes after every alias is written out."""
    sizes: dict[str, int] = {}  # anchor → nodes below it, aliases written out
    open_nodes: list[tuple[str | None, int]] = []  # anchor and count so far of each open collection
    total = 0

    def add(count: int) -> None:
        nonlocal total
        total += count
        if total > MAX_NODES:
            raise _too_complex(f"has more than {MAX_NODES:,} values (aliases written out)")

    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            add(1)
            if len(open_nodes) >= MAX_DEPTH:
                raise _too_complex(f"is nested deeper than {MAX_DEPTH} levels")
            open_nodes.append((event.anchor, total))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = total - before + 1
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise _bad("The YAML contains an alias to itself or to nothing.", "Write the value out.")
            add(sizes[event.anchor])
        elif isinstance(event, yaml.ScalarEvent):
            add(1)
            if event.anchor:
                sizes[event.anchor] = 1


def _clean(value: Any, count: list[int], depth: int) -> Any:
    """`count`: the values so far, this one included."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        _count(value, count, depth)
        return {
            clean_text(key if type(key) is str else str(key)): (
                clean_text(item) if type(item) is str else _clean(item, count, depth + 1)
            )
            for key, item in value.items()
        }
    if isinstance(value, (list, set, tuple)):
        _count(value, count, depth)
        return [clean_text(item) if type(item) is str else _clean(item, count, depth + 1) for item in value]
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else _long(value)
    return clean_text(str(value))


def _count(value: Sized, count: list[int], depth: int) -> None:
    count[0] += len(value)
    if count[0] > MAX_NODES:
        raise _too_complex(f"has more than {MAX_NODES:,} values")
    if value and depth >= MAX_DEPTH:
        raise _too_complex(f"is nested deeper than {MAX_DEPTH} levels")


def _long(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to write integers of more than 4,300 digits
        return hex(value)


def clean_text(text: str) -> str:
    """Text that any database and any encoder accepts: without NUL, lone surrogates replaced."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)
