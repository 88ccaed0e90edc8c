"""Linked data as the format modules read it: nodes whose types and properties have short names ("dcat:Dataset").

Vocabularies are known by their addresses, so the prefixes a document chooses do not matter. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .. import rdf
from .read import text

NAMESPACES = {
    "dcat": ("http://www.w3.org/ns/dcat#",),
    "dct": ("http://purl.org/dc/terms/", "http://purl.org/dc/terms/#"),
    "dc": ("http://purl.org/dc/elements/1.1/",),
    "dprod": (
        "https://ekgf.github.io/dprod/",
        "https://ekgf.github.io/dprod/#",
        "https://www.omg.org/spec/DPROD/",
        "https://www.omg.org/spec/DPROD/dprod/",
        "https://w3id.org/dprod/",
    ),
    "foaf": ("http://xmlns.com/foaf/0.1/",),
    "vcard": ("http://www.w3.org/2006/vcard/ns#",),
    "rdf": ("http://www.w3.org/1999/02/22-rdf-syntax-ns#",),
    "rdfs": ("http://www.w3.org/2000/01/rdf-schema#",),
    "skos": ("http://www.w3.org/2004/02/skos/core#",),
    "owl": ("http://www.w3.org/2002/07/owl#",),
    "adms": ("http://www.w3.org/ns/adms#",),
    "prov": ("http://www.w3.org/ns/prov#",),
    "odrl": ("http://www.w3.org/ns/odrl/2/",),
    "dqv": ("http://www.w3.org/ns/dqv#",),
    "locn": ("http://www.w3.org/ns/locn#",),
    "time": ("http://www.w3.org/2006/time#",),
    "pav": ("http://purl.org/pav/",),
    "dcatap": ("http://data.europa.eu/r5r/",),
    "schema": ("http://schema.org/",),
    "xsd": ("http://www.w3.org/2001/XMLSchema#",),
}
_BY_ADDRESS = {address.split("://")[1]: prefix for prefix, addresses in NAMESPACES.items() for address in addresses}

LABELS = (
    *("dct:title", "rdfs:label", "skos:prefLabel", "foaf:name", "vcard:fn", "vcard:organization-name"),
    *("schema:name", "dc:title", "skos:notation", "rdf:value"),
)


def short(iri: str) -> str:
    """ "dcat:Dataset" for an address in a vocabulary known here, else the address."""
    cut = max(iri.rfind("#"), iri.rfind("/")) + 1
    prefix = _BY_ADDRESS.get(iri[:cut].partition("://")[2])
    return f"{prefix}:{iri[cut:]}" if prefix and cut < len(iri) else iri


def last_part(iri: str) -> str:
    """What an address ends in: "CSV" of "…/authority/file-type/CSV"."""
    return iri.rstrip("/#").rpartition("#")[2].rpartition("/")[2] or iri


@dataclass(frozen=True, slots=True)
class Value:
    """A literal (`text`, perhaps `language`) or a reference to a node (`ref`)."""

    text: str | None = None
    ref: str | None = None
    language: str = ""


@dataclass(slots=True)
class Node:
    id: str
    types: tuple[str, ...] = ()
    values: dict[str, list[Value]] = field(default_factory=dict)

    @property
    def blank(self) -> bool:
        return self.id.startswith("_:")

    @property
    def address(self) -> str | None:
        """Its IRI; None for a blank node."""
        return None if self.blank else text(self.id)


class Graph:
    """The nodes of a document, in its order. Made by `read`; asked by short names."""

    def __init__(self, document: Any) -> None:
        self.nodes: dict[str, Node] = {}
        for entry in _flat_nodes(document):
            node = self.nodes.setdefault(entry["@id"], Node(entry["@id"]))
            for key, items in entry.items():
                if key == "@type":
                    node.types += tuple(short(item) for item in _list(items) if isinstance(item, str))
                elif key != "@id":
                    node.values.setdefault(short(key), []).extend(_values(items))

    def of_type(self, *types: str) -> list[Node]:
        return [node for node in self.nodes.values() if any(kind in types for kind in node.types)]

    def values(self, node: Node, *names: str) -> Iterator[Value]:
        for name in names:
            yield from node.values.get(name, ())

    def linked(self, node: Node, *names: str) -> list[Node]:
        """The nodes these properties lead to, each once; one that is only named is a node without properties.

        A text that is the address of a node counts as leading there: contexts often forget to say so.
        """
        found: dict[str, Node] = {}
        for value in self.values(node, *names):
            key = value.ref or (value.text if value.text in self.nodes else None)
            if key:
                found.setdefault(key, self.nodes.get(key) or Node(key))
        return list(found.values())

    def pointing(self, target: Node, *names: str) -> list[Node]:
        """The nodes that lead to `target` by one of these properties."""
        return [
            node
            for node in self.nodes.values()
            if any(value.ref == target.id or value.text == target.id for value in self.values(node, *names))
        ]

    def text(self, node: Node, *names: str) -> str | None:
        """The text of the first of these properties that has one: English, else without language, else the first."""
        for name in names:
            texts = [value for value in node.values.get(name, ()) if text(value.text)]
            if texts:
                return text(min(texts, key=_by_language).text)
        return None

    def label(self, node: Node) -> str | None:
        """What a node is called; its address where it has no name."""
        return self.text(node, *LABELS) or node.address

    def said(self, node: Node, *names: str) -> str | None:
        """A text, or what the node is called that these properties lead to."""
        for name in names:
            found = self.text(node, name) or next(
                (label for other in self.linked(node, name) if (label := self.label(other))), None
            )
            if found:
                return found
        return None

    def all_said(self, node: Node, *names: str) -> tuple[str, ...]:
        """Texts in one language, and what the nodes are called that these properties lead to, each once."""
        values = [value for value in self.values(node, *names) if value.text]
        wanted = min(values, key=_by_language).language if values else ""
        found = [text(value.text) for value in values if value.language in ("", wanted)]
        found += [self.label(other) for other in self.linked(node, *names) if other.id not in found]
        return tuple(dict.fromkeys(said for said in found if said))


def read(document: Any, context: dict[str, Any], base: str = "") -> Graph:
    """The graph of a document: JSON-LD, or what parsing made of RDF. Raises FetchError where JSON-LD is broken."""
    return Graph(document if is_flat(document) else rdf.from_json_ld(document, context, base))


def explanation(document: Any) -> tuple[str, str] | None:
    """What linked data describes that is no dataset, and what to do; None where it is no linked data. Never raises."""
    tops = document if isinstance(document, list) else [document]
    nodes = [node for top in tops if isinstance(top, dict) for node in [top, *_list(top.get("@graph"))]]
    kinds = [kind for node in nodes if isinstance(node, dict) for kind in _list(node.get("@type"))]
    named = list(dict.fromkeys(short(kind)[:80] for kind in kinds if isinstance(kind, str)))
    if not named and not is_flat(document):
        return None
    described = f"it describes: {', '.join(named[:5])}" if named else "nothing in it says what it is"
    return (
        f"The document is linked data, and describes no dataset ({described}).",
        "Point the link at a description with a dcat:Dataset, a dprod:DataProduct or a schema.org Dataset.",
    )


def is_flat(document: Any) -> bool:
    """Whether this is what parsing makes of RDF: nodes in a list, every address written out."""
    return (
        isinstance(document, dict)
        and set(document) == {"@graph"}
        and isinstance(document["@graph"], list)
        and all(
            isinstance(node, dict)
            and isinstance(node.get("@id"), str)
            and all(key in ("@id", "@type") or "://" in key or key.startswith("urn:") for key in node)
            for node in document["@graph"]
        )
    )


def _flat_nodes(document: Any) -> Iterator[dict[str, Any]]:
    for node in _list(document.get("@graph") if isinstance(document, dict) else None):
        if isinstance(node, dict) and isinstance(node.get("@id"), str):
            yield node


def _values(items: Any) -> Iterator[Value]:
    for item in _list(items):
        if not isinstance(item, dict):
            item = {"@value": item}
        if isinstance(item.get("@id"), str):
            yield Value(ref=item["@id"])
        elif (written := text(item.get("@value"))) is not None:
            language = item.get("@language")
            yield Value(text=written, language=language.lower() if isinstance(language, str) else "")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _by_language(value: Value) -> int:
    return 0 if value.language.partition("-")[0] == "en" else 1 if not value.language else 2
