"""W3C DCAT 2 and 3 with their profiles (DCAT-AP, DCAT-US in RDF), and OMG/EKGF DPROD, as JSON-LD, Turtle or RDF/XML.

Sources: https://www.w3.org/TR/vocab-dcat-3/, https://ekgf.github.io/dprod/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from ..view import ProductView
from . import linked, schema_org
from .catalogue import LONGEST_PLACE, Entry, chosen
from .dcat_resource import Resources, identifier_of
from .linked import Graph, Node, last_part, short

NAME = "DCAT"

_DATASETS = ("dcat:Dataset", "dcat:DatasetSeries")
_RATHER = (("dcat:DataService",), ("dcat:Distribution",), ("dcat:CatalogRecord",), ("dcat:Catalog",))


def _context() -> dict[str, Any]:
    """What stands for contexts that are only named by address: the terms DCAT and DPROD documents write bare."""
    terms: dict[str, Any] = {
        name: addresses[0] for name, addresses in linked.NAMESPACES.items() if name not in ("rdf", "time")
    }
    terms |= {"dcterms": terms["dct"], "id": "@id", "type": "@type", "label": "rdfs:label", "fn": "vcard:fn"}
    by_vocabulary = {
        "dcat": """Catalog CatalogRecord Dataset DatasetSeries DataService Distribution Resource accessService accessURL
            byteSize catalog compressFormat contactPoint dataset distribution downloadURL endpointDescription
            endpointURL inSeries keyword landingPage mediaType packageFormat record servesDataset service startDate
            endDate bbox centroid theme version""",
        "dct": """title description identifier issued modified publisher creator license rights accessRights language
            spatial temporal accrualPeriodicity conformsTo format source relation provenance""",
        "dprod": """DataProduct dataProductOwner lifecycleStatus lifecycle inputPort outputPort inputDataset
            outputDataset purpose domain informationSensitivityClassification protocol securitySchemaType
            isAccessServiceOf isDistributionOf dataProducts datasetOwner""",
        "vcard": "hasEmail hasURL hasTelephone",
        "foaf": "name homepage page",
    }
    return terms | {name: f"{prefix}:{name}" for prefix, names in by_vocabulary.items() for name in names.split()}


CONTEXT = _context()


def matches(document: Any) -> bool:
    """Found by a type or property of the DCAT or DPROD vocabulary, or titled resources in a document of RDF."""
    if linked.is_flat(document):
        graph = Graph(document)
        types = {kind for node in graph.nodes.values() for kind in node.types}
        return any(kind.startswith(("dcat:", "dprod:")) for kind in types) or bool(_titled(graph))
    tops = document if isinstance(document, list) else [document]
    for top in tops[:50]:
        if not isinstance(top, dict):
            continue
        listed = top.get("@graph")
        nodes = [top, *(listed[:500] if isinstance(listed, list) else [listed])]
        linked_data = any(key in top for key in ("@context", "@graph", "@id", "@type"))
        if linked_data and any(_named(node) for node in nodes):
            return True
        if _ours(top.get("@context")) and not schema_org.matches(document):
            return True
    return False


_OURS = ("dcat:", "dprod:")


def _named(node: Any) -> bool:
    """Whether a type or a property of a JSON-LD node is, by prefix or address, of our vocabularies."""
    if not isinstance(node, dict):
        return False
    types = node.get("@type", node.get("type"))
    names = [*node, *(kind for kind in (types if isinstance(types, list) else [types]) if isinstance(kind, str))]
    return any(short(name).startswith(_OURS) for name in names)


def _ours(context: Any) -> bool:
    """Whether a context names our vocabularies, by their own address or by that of a context for them."""
    if isinstance(context, list):
        return any(_ours(item) for item in context[:20])
    if isinstance(context, dict):
        return any(_ours(item.get("@id") if isinstance(item, dict) else item) for item in list(context.values())[:500])
    if not isinstance(context, str):
        return False
    return short(f"{context}x").startswith(_OURS) or any(name in last_part(context) for name in ("dcat", "dprod"))


def product(document: Any, base_url: str | None = None) -> ProductView:
    """The data product, or the one dataset, that the document describes; of a catalogue the one the address names.

    Raises FetchError("is_catalogue") where it describes several and the address does not say which one, and
    FetchError("bad_content") where the JSON-LD cannot be expanded.
    """
    graph = linked.read(document, CONTEXT, (base_url or "").partition("#")[0])
    products = graph.of_type("dprod:DataProduct")
    if products:
        return Resources(graph, base_url, "DPROD").product(_choose(graph, products, base_url))
    reader = Resources(graph, base_url, NAME)
    datasets = graph.of_type(*_DATASETS)
    if datasets:
        return reader.product(_choose(graph, datasets, base_url))
    for types in _RATHER:
        if found := graph.of_type(*types):
            problem = f"No dataset is described here, only a {found[0].types[0]}."
            return reader.product(_choose(graph, found, base_url), problem)
    if titled := _titled(graph):
        return reader.product(
            _choose(graph, titled, base_url), problem="Nothing here says that it is a dataset (dcat:Dataset)."
        )
    return ProductView(standard=NAME, problems=("No dataset is described here.",))


def datasets(document: Any, base_url: str | None = None) -> Iterator[Entry]:
    """Every data product of the document; where there is none, every dataset."""
    base = (base_url or "").partition("#")[0]
    graph = linked.read(document, CONTEXT, base)
    products = graph.of_type("dprod:DataProduct")
    reader = Resources(graph, base, "DPROD" if products else NAME)
    for number, node in enumerate(products or graph.of_type(*_DATASETS), 1):
        place = node.address or ""
        if not 0 < len(place) <= LONGEST_PLACE:
            place = f"dataset {number}"
        yield Entry(place, identifier_of(graph, node), reader.product(node))


def _titled(graph: Graph) -> list[Node]:
    """What has a title and a description, or distributions, without saying what it is."""
    return [
        node
        for node in graph.nodes.values()
        if not node.types
        and (("dct:title" in node.values and "dct:description" in node.values) or "dcat:distribution" in node.values)
    ]


def _choose(graph: Graph, nodes: list[Node], base_url: str | None) -> Node:
    """The node meant, by its identifier or its address. Raises FetchError("is_catalogue")."""
    known: list[tuple[str | None, Node]] = [(identifier_of(graph, node), node) for node in nodes]
    if len(nodes) > 1:
        # The address of a dataset names it too; where identifiers repeat, it is all that tells them apart.
        wanted = unquote((base_url or "").partition("#dataset=")[2])
        for node in nodes:
            if wanted and node.id == wanted:
                return node
    return chosen(known, base_url) or nodes[0]
