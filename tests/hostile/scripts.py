"""A document of each format, with script in every text field; and with addresses that act in every one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.live.gateways import ODPS
from tests.live.test_descriptor_formats import DCS, LF, ODCS_2, collection
from tests.live.test_formats import CONTRACT

MARK = "window.pwned"  # set by whatever executes; also how a test sees that the text is shown
SCRIPT = (
    f'"\'>]]>--><script>{MARK}=1</script><img src=x onerror="{MARK}=2"><svg/onload={MARK}=3>'
    f'<iframe srcdoc="<script>parent.pwned=4</script>"></iframe><a href="javascript:{MARK}=5">a</a>'
    f"[m](javascript:{MARK}=6) ![i](http://127.0.0.2/x.png) <javascript:{MARK}=7> `</code><b onclick={MARK}=8>`"
    "<style>*{display:none}</style><meta http-equiv=refresh content='0;url=/pwned'><base href=//127.0.0.2/>"
    f"{{{{ 7*7 }}}} {{% load x %}} ${{7*7}} <form action=//127.0.0.2/><input name=q autofocus onfocus={MARK}=9>"
)
ADDRESSES = (f"javascript:{MARK}=1", f"data:text/html,<script>{MARK}=1</script>", "//127.0.0.2/x", "vbscript:x")

# What a format is known by, at the top of the document or anywhere: it stays, so that the rest is read.
_KEPT_AT_TOP = {
    *("apiVersion", "kind", "stac_version", "type", "dataContractSpecification", "dataProductDescriptor", "openapi"),
    *("conformsTo", "schema", "dataset", "templateName", "protocolVersion"),
}
_KEPT = {"@context", "@type", "@id", "$ref", "entityType", "rel", "fullyQualifiedName"}


def everywhere(value: Any, said: Callable[[], str], keep: frozenset[str] = frozenset(), depth: int = 0) -> Any:
    """The document with each text replaced, but for what a format is known by, and what stands below the keys kept."""
    if isinstance(value, dict):
        return {
            key: item
            if key in _KEPT or key in keep or (depth == 0 and key in _KEPT_AT_TOP and isinstance(item, str))
            else everywhere(item, said, keep, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [everywhere(item, said, keep, depth + 1) for item in value]
    return said() if isinstance(value, str) else value


def scripted(document: Any) -> Any:
    """Script in every text, each with a number of its own, so that none is left out as a repetition."""
    numbers = iter(range(10_000))
    return everywhere(document, lambda: f"{next(numbers)} {SCRIPT}")


def leading(document: Any) -> Any:
    """An address that acts in every text."""
    turns = iter(range(10_000))
    return everywhere(document, lambda: ADDRESSES[next(turns) % len(ADDRESSES)])


_ODPS: dict[str, Any] = {
    **ODPS,
    "description": {"purpose": "p", "limitations": "l", "usage": "u"},
    "support": [{"channel": "c", "url": "https://h.example", "tool": "t", "scope": "s", "description": "d"}],
    "managementPorts": [{"name": "n", "content": "c", "type": "rest", "url": "https://h.example", "description": "d"}],
    "price": {"priceAmount": "1", "priceCurrency": "EUR", "priceUnit": "u"},
    "customProperties": [{"property": name, "value": "v", "description": "d"} for name in ("license", "kind", "logo")],
    "tenant": "t",
    "productCreatedTs": "2024-01-01",
}
_ODCS: dict[str, Any] = {
    **CONTRACT,
    "tags": ["t"],
    "status": "active",
    "domain": "d",
    "tenant": "t",
    "support": [{"channel": "c", "url": "https://h.example", "tool": "t"}],
    "authoritativeDefinitions": [{"type": "t", "url": "https://h.example", "description": "d"}],
    "customProperties": [{"property": "p", "value": "v"}],
    "slaProperties": [
        {"property": "latency", "value": "4", "unit": "d", "element": "e", "driver": "d", "schedule": "s"}
    ],
}
_DPDS: dict[str, Any] = {
    "dataProductDescriptor": "1.0.0",
    "info": {"fullyQualifiedName": "urn:dpds:h:dataproducts:trips:1", "version": "1", "domain": "d",
             "displayName": "n", "description": "d", "owner": {"id": "jo@h.example", "name": "Jo"}},
    "interfaceComponents": {
        "outputPorts": [{"name": "events", "version": "1.0.0", "description": "d",
                         "promises": {"platform": "p", "api": {"definition": {"schema": {"tables": [
                             {"name": "t", "definition": {"properties": {"id": {"type": "integer"}}}}]}}}},
                         "obligations": {"terms": {"description": "t"}}}],
        "inputPorts": [{"name": "raw", "description": "d"}],
    },
}  # fmt: skip
_OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1", "description": "d", "license": {"name": "MIT", "url": "https://h.example"},
             "contact": {"name": "n", "email": "a@h.example", "url": "https://h.example"}},
    "servers": [{"url": "https://h.example/v1", "description": "d"}],
    "paths": {"/hours": {"get": {"summary": "s", "description": "d", "tags": ["t"], "responses": {"200": {
        "description": "d", "content": {"application/json": {"schema": {"properties": {
            "pm10": {"type": "number", "description": "d"}}}}}}}}}},
}  # fmt: skip
_CKAN: dict[str, Any] = {
    "success": True,
    "result": {
        "id": "0b1d", "name": "rain", "title": "Rain", "notes": "n", "license_title": "l", "url": "https://h.example",
        "license_url": "https://h.example/l", "maintainer": "Ann", "maintainer_email": "ann@h.example",
        "organization": {"title": "Met"}, "tags": [{"display_name": "water"}], "extras": [{"key": "k", "value": "v"}],
        "resources": [{"id": "r", "package_id": "0b1d", "name": "n", "description": "d", "url": "https://h.example/r",
                       "format": "CSV"}],
    },
}  # fmt: skip
_DATA_PACKAGE: dict[str, Any] = {
    "name": "rain", "title": "Rain", "description": "d", "homepage": "https://h.example", "version": "1",
    "licenses": [{"name": "l", "title": "t", "path": "https://h.example/l"}], "keywords": ["k"],
    "sources": [{"title": "s", "path": "https://h.example/s"}], "contributors": [{"title": "c", "role": "r"}],
    "resources": [{"name": "r", "title": "t", "path": "r.csv", "description": "d", "format": "csv",
                   "schema": {"fields": [{"name": "f", "title": "t", "type": "string", "description": "d",
                                          "constraints": {"pattern": "x", "enum": ["a"]}}]}}],
}  # fmt: skip
_DATA_JSON: dict[str, Any] = {
    "conformsTo": "https://project-open-data.cio.gov/v1.1/schema",
    "dataset": [{"title": "t", "description": "d", "keyword": ["k"], "modified": "m", "identifier": "i",
                 "accessLevel": "public", "rights": "r", "license": "l", "spatial": "s", "temporal": "t/u",
                 "publisher": {"name": "p"}, "contactPoint": {"fn": "f", "hasEmail": "mailto:a@h.example"},
                 "landingPage": "https://h.example", "bureauCode": ["b"], "accrualPeriodicity": "R/P1D",
                 "distribution": [{"title": "t", "description": "d", "format": "f", "mediaType": "text/csv",
                                   "downloadURL": "https://h.example/a.csv"}]}],
}  # fmt: skip
_DCAT: dict[str, Any] = {
    "@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/",
                 "vcard": "http://www.w3.org/2006/vcard/ns#", "foaf": "http://xmlns.com/foaf/0.1/"},
    "@type": "dcat:Dataset", "@id": "https://h.example/rain",
    "dct:title": "t", "dct:description": "d", "dcat:keyword": ["k"], "dct:identifier": "i", "dcat:version": "1",
    "dct:publisher": {"@type": "foaf:Agent", "foaf:name": "n"}, "dct:license": "l", "dct:accessRights": "a",
    "dct:issued": "2020", "dct:language": "en", "dct:temporal": {"dcat:startDate": "s"},
    "dcat:contactPoint": {"vcard:fn": "f", "vcard:hasEmail": "mailto:a@h.example"}, "dct:spatial": {"dct:title": "s"},
    "dcat:landingPage": "https://h.example",
    "dcat:distribution": [{"@type": "dcat:Distribution", "dct:title": "t", "dct:description": "d", "dct:format": "f",
                           "dcat:downloadURL": {"@id": "https://h.example/a.csv"}}],
}  # fmt: skip
_SCHEMA_ORG: dict[str, Any] = {
    "@context": "https://schema.org/", "@type": "Dataset", "@id": "https://h.example/rain",
    "name": "n", "description": "d", "url": "https://h.example", "keywords": ["k"], "license": "l", "version": "1",
    "creator": [{"@type": "Person", "name": "c", "email": "a@h.example"}], "publisher": {"name": "p"},
    "temporalCoverage": "2020/..", "spatialCoverage": {"@type": "Place", "name": "s"}, "citation": "c",
    "variableMeasured": [{"@type": "PropertyValue", "name": "v", "description": "d", "unitText": "u"}],
    "distribution": [{"@type": "DataDownload", "name": "n", "encodingFormat": "text/csv",
                      "contentUrl": "https://h.example/a.csv"}],
}  # fmt: skip
_CROISSANT: dict[str, Any] = {
    **_SCHEMA_ORG,
    "@context": {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"},
    "distribution": [{"@type": "cr:FileObject", "@id": "f", "name": "n", "description": "d",
                      "contentUrl": "https://h.example/f", "encodingFormat": "text/csv"}],
    "cr:recordSet": [{"@type": "cr:RecordSet", "@id": "r", "name": "n", "description": "d",
                      "cr:field": [{"@type": "cr:Field", "@id": "r/a", "name": "a", "description": "d"}]}],
}  # fmt: skip

FORMATS: dict[str, dict[str, Any]] = {
    "ODPS": _ODPS,
    "ODCS": _ODCS,
    "ODCS 2": ODCS_2,
    "Data Contract Specification": DCS,
    "DPDS": _DPDS,
    "ODPS of opendataproducts.org": LF,
    "STAC Collection": collection(),
    "OpenAPI": _OPENAPI,
    "CKAN": _CKAN,
    "Data Package": _DATA_PACKAGE,
    "DCAT-US": _DATA_JSON,
    "DCAT": _DCAT,
    "schema.org": _SCHEMA_ORG,
    "Croissant": _CROISSANT,
}


def turtle(said: str) -> bytes:
    """The same in RDF that is not JSON."""
    text = json.dumps(said)
    return (
        "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .\n"
        f"<https://h.example/rain> a dcat:Dataset ; dct:title {text} ; dct:description {text}@en ;\n"
        f" dcat:keyword {text} ; dct:license {text} ; dct:accessRights {text} ;\n"
        f" dcat:distribution [ a dcat:Distribution ; dct:title {text} ; dct:format {text} ] .\n"
    ).encode()


def web_page(document: dict[str, Any]) -> bytes:
    """A web page that carries the document, with script of its own beside it."""
    written = json.dumps(document).replace("</", "<\\/")
    return f"<html><script>{MARK}=1</script><script type='application/ld+json'>{written}</script></html>".encode()


def notebook() -> dict[str, Any]:
    """A notebook each of whose cells and outputs would act."""
    html = {"text/html": SCRIPT, "image/svg+xml": f"<svg onload={MARK}=1>", "text/plain": SCRIPT,
            "application/javascript": f"{MARK}=1", "image/png": "PHN2Zy8+"}  # fmt: skip
    return {
        "nbformat": 4,
        "metadata": {"title": SCRIPT, "kernelspec": {"name": SCRIPT}},
        "cells": [
            {"cell_type": "markdown", "source": [SCRIPT, "\n\n# ", SCRIPT]},
            {"cell_type": "raw", "source": SCRIPT},
            {
                "cell_type": "code",
                "source": SCRIPT,
                "outputs": [
                    {"output_type": "display_data", "data": html},
                    {"output_type": "stream", "text": [SCRIPT]},
                    {"output_type": "error", "ename": SCRIPT, "evalue": SCRIPT, "traceback": [SCRIPT]},
                ],
            },
        ],
    }
