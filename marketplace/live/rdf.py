"""RDF (Turtle, N-Triples, RDF/XML, JSON-LD) → a plain document: flattened, expanded JSON-LD, `{"@graph": [nodes]}`.

Nothing here opens a connection: contexts, imports and DTDs are never fetched. rdflib is imported only when RDF comes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Literal

from .errors import FetchError

MAX_TRIPLES = 50_000
MAX_CONTEXT_TERMS = 2_000
NOWHERE = "http://relative.invalid/"  # where relative addresses begin when it is not known where a document is from

Syntax = Literal["turtle", "xml"]
_SPOKEN = {"turtle": "Turtle", "xml": "RDF/XML", "json-ld": "JSON-LD"}
_MEDIA_TYPES: dict[str, Syntax] = {
    "text/turtle": "turtle",
    "application/x-turtle": "turtle",
    "text/n3": "turtle",
    "text/rdf+n3": "turtle",
    "application/n-triples": "turtle",
    "application/rdf+xml": "xml",
}
_TURTLE_START = re.compile(
    r"(?:\s|#[^\n]*(?:\n|$))*+"  # blanks and comments
    r"(?:@(?:prefix|base)\s|prefix\s+[\w.-]*:\s*<|base\s+<|<[a-z][a-z0-9+.-]*:[^<>\s]*+>\s+[<a]|_:\w+\s+<)",
    re.IGNORECASE,
)
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML_DECLARATION = re.compile(r"\s*<\?xml[^>]*>\s*")


def syntax_of(text: str, media_type: str) -> Syntax | None:
    """The syntax by what the text begins with, else by its media type; None where it is no RDF (or JSON-LD)."""
    start = text.lstrip()[:1]
    if start in ("{", "["):
        return None if start == "{" else _MEDIA_TYPES.get(media_type)
    if _TURTLE_START.match(text[:20_000]):
        return "turtle"
    if start == "<":
        return "xml" if _RDF in text[:20_000] or media_type == "application/rdf+xml" else None
    return _MEDIA_TYPES.get(media_type)


def from_text(text: str, syntax: Syntax, base: str = "") -> dict[str, Any]:
    """The flattened document. Raises FetchError("bad_content") with the place where it is broken.

    Costs about a second of CPU for 20,000 triples, at most MAX_TRIPLES.
    """
    if syntax == "xml":
        if re.search(r"<!(doctype|entity)", text, re.IGNORECASE):
            raise _bad("The RDF/XML has a document type declaration, which is not read here.", _WITHOUT_DTD)
        if declaration := _XML_DECLARATION.match(text):
            # It is text by now, and the encoding it names no longer holds; lines keep their numbers.
            text = "\n" * declaration.group().count("\n") + text[declaration.end() :]
    graph = _new_graph()
    try:
        graph.parse(data=text, format=syntax, publicID=base or NOWHERE)
    except FetchError:
        raise
    except RecursionError as exc:
        raise _bad(f"The {_SPOKEN[syntax]} is nested too deep.", _VALIDATE) from exc
    except Exception as exc:  # rdflib raises many kinds, some of them plain Exception
        raise _bad(f"The {_SPOKEN[syntax]} is broken{_where(exc)}.", _VALIDATE) from exc
    return {"@graph": list(_nodes(graph))}


def from_json_ld(document: Any, context: dict[str, Any], base: str = "") -> dict[str, Any]:
    """The flattened document of a JSON-LD one. Contexts given by URL are not fetched: `context` stands for them.

    Raises FetchError("bad_content").
    """
    budget = [MAX_CONTEXT_TERMS]
    local = _without_remote_contexts(document, context, budget)
    if isinstance(local, dict) and "@context" not in local:
        local = {"@context": context, **local}
    graph = _new_graph()
    try:
        from rdflib.plugins.parsers.jsonld import to_rdf

        to_rdf(local, graph, base=base or NOWHERE)
    except FetchError:
        raise
    except RecursionError as exc:
        raise _bad("The JSON-LD is nested too deep, or a term of its context is defined by itself.", _VALIDATE) from exc
    except Exception as exc:
        raise _bad(f"The JSON-LD is broken{_where(exc)}.", _VALIDATE) from exc
    return {"@graph": list(_nodes(graph))}


_VALIDATE = "Check the document with an RDF validator."
_WITHOUT_DTD = "Write the document without <!DOCTYPE> and <!ENTITY>, or offer it as Turtle or JSON-LD."


def _bad(message: str, advice: str) -> FetchError:
    return FetchError("bad_content", message, advice)


def _where(exc: Exception) -> str:
    """Line and reason, as far as rdflib and expat tell them."""
    line = getattr(exc, "lines", None)
    line = line + 1 if isinstance(line, int) else None
    if line is None and hasattr(exc, "getLineNumber"):
        line = exc.getLineNumber()
    reason = getattr(exc, "_why", None) or (exc.getMessage() if hasattr(exc, "getMessage") else str(exc))
    reason = " ".join(str(reason).split())[:200]
    return (f" at line {line}" if line else "") + (f": {reason}" if reason else "")


_library: ModuleType | None = None


def _rdflib() -> ModuleType:
    global _library
    if _library is None:
        import rdflib
        from rdflib import RDF
        from rdflib.term import bind

        # Literals stay as they are written: turning 1e999999999 into decimal digits would fill the memory, and
        # reading XML or HTML in a literal would open a second, unguarded parser.
        rdflib.NORMALIZE_LITERALS = False
        logging.getLogger("rdflib").setLevel(logging.CRITICAL)  # one warning for each odd literal of a stranger
        for datatype in (RDF.XMLLiteral, RDF.HTML):
            bind(datatype, str, constructor=str)
        _library = rdflib
    return _library


def _new_graph() -> Any:
    rdflib = _rdflib()

    class Bounded(rdflib.Graph):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__(bind_namespaces="none")
            self.in_order: dict[Any, None] = {}

        def add(self, triple: Any) -> Any:
            self.in_order[triple] = None
            if len(self.in_order) > MAX_TRIPLES:
                raise _bad(
                    f"The document has more than {MAX_TRIPLES:,} statements.",
                    "A descriptor of a data product is far smaller. Point the link at one.",
                )
            return super().add(triple)

    return Bounded()


def _nodes(graph: Any) -> Iterator[dict[str, Any]]:
    """The nodes in the order of the document, blank ones numbered, so that the same document gives the same nodes."""
    from .parsing import clean_text

    rdflib = _rdflib()
    names: dict[Any, str] = {}
    nodes: dict[str, dict[str, Any]] = {}

    def name(term: Any) -> str:
        if isinstance(term, rdflib.BNode):
            return names.setdefault(term, f"_:b{len(names)}")
        return clean_text(str(term))

    for subject, predicate, value in graph.in_order:
        identifier = name(subject)
        node = nodes.setdefault(identifier, {"@id": identifier})
        if predicate == rdflib.RDF.type:
            node.setdefault("@type", []).append(name(value))
        elif isinstance(value, rdflib.Literal):
            entry = {"@value": clean_text(str(value))}
            if value.language:
                entry["@language"] = clean_text(value.language)
            elif value.datatype:
                entry["@type"] = clean_text(str(value.datatype))
            node.setdefault(name(predicate), []).append(entry)
        else:
            node.setdefault(name(predicate), []).append({"@id": name(value)})
    yield from nodes.values()


def _without_remote_contexts(value: Any, context: dict[str, Any], budget: list[int]) -> Any:
    """A copy in which every `@context` is an object, and none imports another."""
    if isinstance(value, list):
        return [_without_remote_contexts(item, context, budget) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _local_context(item, context, budget)
        if key == "@context"
        else _without_remote_contexts(item, context, budget)
        for key, item in value.items()
        if key != "@import"
    }


def _local_context(value: Any, context: dict[str, Any], budget: list[int]) -> Any:
    if isinstance(value, str):
        return context
    if isinstance(value, list):
        return [_local_context(item, context, budget) for item in value]
    if not isinstance(value, dict):
        return value
    budget[0] -= len(value)
    if budget[0] < 0:
        raise _bad(f"The JSON-LD defines more than {MAX_CONTEXT_TERMS:,} terms.", _VALIDATE)
    return _without_remote_contexts(value, context, budget)
