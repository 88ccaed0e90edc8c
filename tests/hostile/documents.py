"""What a hostile product says: documents that are too much, broken, or after something. Bytes, or what becomes JSON."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from tests.live.gateways import ARTIFACTS, CONTRACT, INDEX, ODPS

PATH_TRICKS = (
    "../../../accounts/logout", "..", ".", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..\\..\\windows", "/etc/passwd",
    "//evil.example/x", "a\r\nSet-Cookie: x=1", "?q=1#h", "C:\\x", "\u202efdp.exe", "x" * 5000, "", " ", "~" + "0" * 32,
    "{{ 7*7 }}", "%00", "%s%n", "'; DROP TABLE registry_product; --", "<b>",
)  # fmt: skip


def zip_bomb() -> bytes:
    """A megabyte or so of archive that holds a gigabyte."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(10):
            archive.writestr(f"{number}.json", b"0" * 100 * 1024 * 1024)
    return file.getvalue()


def alias_bomb() -> bytes:
    """YAML that a naive reader would write out to 10^12 values."""
    lines = ["kind: DataProduct", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


def merge_bomb() -> bytes:
    lines = ["kind: DataProduct", "a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)]
    return "\n".join(lines).encode()


RDF_XML = """<?xml version="1.0"?>
{}<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dcat="http://www.w3.org/ns/dcat#"
 xmlns:dct="http://purl.org/dc/terms/"><dcat:Dataset rdf:about="https://data.example/rain">
<dct:title>Rain {}</dct:title></dcat:Dataset></rdf:RDF>"""


def entity_bomb() -> bytes:
    lines = ['<!ENTITY a0 "ha">'] + [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)]
    return RDF_XML.format(f"<!DOCTYPE r [{''.join(lines)}]>", "&a11;").encode()


def outside_entity(address: str) -> bytes:
    """An entity whose text would be what is at the address."""
    return RDF_XML.format(f'<!DOCTYPE r [<!ENTITY x SYSTEM "{address}">]>', "&x;").encode()


def outside_dtd(address: str) -> bytes:
    return RDF_XML.format(f'<!DOCTYPE r SYSTEM "{address}">', "").encode()


def remote_context(address: str) -> dict[str, Any]:
    """JSON-LD that can only be understood with a context from elsewhere, named in each way there is."""
    return {
        "@context": [
            address,
            {"@import": address, "dct": "http://purl.org/dc/terms/", "dcat": "http://www.w3.org/ns/dcat#"},
            {"inner": {"@id": "dct:relation", "@context": address}},
        ],
        "@type": "dcat:Dataset",
        "@id": "https://data.example/rain",
        "dct:title": "Rain from afar",
        "inner": {"@context": address, "dct:title": "within"},
    }


def turtle_imports(address: str) -> bytes:
    return (
        "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .\n"
        "@prefix owl: <http://www.w3.org/2002/07/owl#> .\n"
        f"<https://data.example/rain> a dcat:Dataset ; dct:title 'Rain with imports' ; owl:imports <{address}> ;\n"
        f" dct:conformsTo <{address}> ; dct:license <{address}> .\n"
    ).encode()


def references(address: str) -> dict[str, dict[str, Any]]:
    """Documents of other standards that refer to what is elsewhere, by name."""
    return {
        "dpds": {
            "dataProductDescriptor": "1.0.0",
            "info": {"fullyQualifiedName": "urn:dpds:x:rain:1", "name": "rain", "displayName": "Rain elsewhere"},
            "interfaceComponents": {"outputPorts": [{"$ref": address}, {"name": "p", "promises": {"$ref": address}}]},
        },
        "openapi": {
            "openapi": "3.1.0",
            "info": {"title": "Rain elsewhere", "version": "1"},
            "paths": {"/rain": {"$ref": address}, "/x": {"get": {"responses": {"200": {"$ref": address}}}}},
        },
        "datapackage": {
            "name": "rain",
            "title": "Rain elsewhere",
            "profile": address,
            "resources": [{"name": "r", "path": address, "schema": address, "dialect": address}],
        },
        "croissant": {
            "@context": {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"},
            "@type": "Dataset",
            "name": "Rain elsewhere",
            "distribution": [{"@type": "cr:FileObject", "@id": "f", "contentUrl": address}],
            "image": address,
        },
        "odcs": {**CONTRACT, "name": "Rain elsewhere", "$schema": address, "$ref": address},
        "stac": {
            "type": "Collection",
            "stac_version": "1.1.0",
            "stac_extensions": [address],
            "id": "rain",
            "title": "Rain elsewhere",
            "links": [{"rel": "items", "href": address}, {"rel": "child", "href": address}],
        },
    }


def dangerous_links() -> dict[str, Any]:
    """A product each of whose links does something when it is followed, or would."""
    bad = ("javascript:alert(1)", "JaVa\tScript:alert(1)", "data:text/html,<script>alert(1)</script>",
           "vbscript:msgbox(1)", "file:///etc/passwd", "//127.0.0.2/x", "blob:https://x/1", " javascript:alert(1)",
           "http://user:secret@127.0.0.2/", "https://[", "\x01javascript:alert(1)")  # fmt: skip
    links = [{"type": "documentation", "url": url, "description": f"link {n}"} for n, url in enumerate(bad)]
    return {
        **ODPS,
        "name": "rain-links",
        "authoritativeDefinitions": links,
        "support": [{"channel": f"channel {n}", "url": url, "invitationUrl": url} for n, url in enumerate(bad)],
        "managementPorts": [{"name": f"port {n}", "url": url} for n, url in enumerate(bad)],
        "outputPorts": [{"id": "rain", "name": "rain", "version": "1", "authoritativeDefinitions": links}],
        "customProperties": [{"property": "license", "value": bad[0]}, {"property": "logo", "value": bad[2]}],
    }


def wide_contract(columns: int) -> bytes:
    named = ",".join(f'{{"name":"c{number}"}}' for number in range(columns))
    head = json.dumps({**CONTRACT, "schema": None})
    return head.replace("null", f'[{{"name":"wide","properties":[{named}]}}]').encode()


def deep_columns(depth: int) -> dict[str, Any]:
    column: dict[str, Any] = {"name": "leaf"}
    for number in range(depth):
        column = {"name": f"n{number}", "logicalType": "object", "properties": [column]}
    return {**CONTRACT, "schema": [{"name": "deep", "properties": [column]}]}


def tricky_ids() -> dict[str, Any]:
    """An artifact for each trick; links of the same kind."""
    return {
        "productId": "../x",
        "artifacts": [
            {**ARTIFACTS["artifacts"][0], "id": odd, "title": f"artifact {number}", "contractId": odd, "links": []}
            for number, odd in enumerate(PATH_TRICKS)
        ],
    }


def tricky_index() -> dict[str, Any]:
    links = [{"rel": "contract", "href": f"/discover/contracts/{odd}", "title": odd} for odd in PATH_TRICKS]
    return {**INDEX, "id": "../x", "name": "../../x", "domain": "/", "links": [*INDEX["links"], *links]}


def odd_cells() -> list[Any]:
    """Rows that are none, or as long and deep as they like."""
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    return [["x" * 500_000, deep], {"station": None, "mm": {"a": [1] * 1000}}, [], None, "row", [[]] * 5000, [1] * 5000]


def many_checks() -> dict[str, Any]:
    return {"status": "pass", "checks": {f"check {n}": [{"status": "warn"}] for n in range(40_000)}}


def many_figures() -> dict[str, Any]:
    return {f"figure{number}": {"value": number} for number in range(60_000)}


def odd_numbers() -> bytes:
    """Numbers that are none, or too many digits, where a page would calculate with them."""
    text = json.dumps(
        {
            **CONTRACT,
            "price": {"priceAmount": "#1", "priceCurrency": "EUR", "priceUnit": "#2"},
            "slaProperties": [{"property": "latency", "value": f"#{number}", "unit": "d"} for number in range(6)],
            "schema": [
                {
                    "name": "s",
                    "properties": [{"name": "c", "primaryKeyPosition": "#5", "quality": [{"mustBe": "#3"}, "#4"]}],
                }
            ],
        }
    )
    digits = ("NaN", "Infinity", "-Infinity", "1e999999999", "9" * 4000, "-0.0000001e-999")
    for number, written in enumerate(digits):
        text = text.replace(f'"#{number}"', written)
    return text.encode()


def many_contracts() -> dict[str, Any]:
    links = [{"rel": "contract", "href": f"/discover/contracts/c{number}"} for number in range(5000)]
    return {**INDEX, "links": [*INDEX["links"], *links]}


def itself() -> dict[str, Any]:
    """An index all of whose links lead back to it."""
    rels = ("metadata", "artifacts", "contract", "health", "metrics")
    return {**INDEX, "links": [{"rel": rel, "href": "/discover"} for rel in rels]}


def odd_texts() -> dict[str, Any]:
    """Text that turns the line around, hides, piles up, or is much too long."""
    odd = "\u202e\u2066\u200b\ufeff\u0000" + "e" + "\u0301" * 500 + "\U000e0041" + "\ud800" + "W" * 200
    return {
        **ODPS,
        "description": {"purpose": odd, "limitations": odd, "usage": odd * 100},
        "tags": [odd] * 60,
        "team": {"name": odd, "members": [{"username": odd, "dateIn": "99999-99-99", "role": odd}] * 60},
    }


SVG = b"""<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="window.pwned=1">
<script>window.pwned=1</script><image href="http://127.0.0.2/x.png"/></svg>"""

LOGIN_PAGE = b"""<!doctype html><html><head><meta http-equiv="refresh" content="0;url=http://127.0.0.2/">
<script>window.pwned=1</script></head><body><form>Sign in</form></body></html>"""

PAGE_WITH_BROKEN_JSON_LD = b"""<html><script type="application/ld+json">{"@context": "https://schema.org/", </script>"""
