"""The representations of a product: where each is, what it is called, and who writes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from marketplace.exports import data_json, dcat, odps, schema_org
from marketplace.exports.facts import Facts


@dataclass(frozen=True, slots=True)
class Format:
    """`file` stands at the end of the address of a product's page. `write` gives the bytes."""

    file: str
    label: str
    media_type: str
    write: Callable[[Facts], bytes]


def to_json(document: dict[str, Any]) -> bytes:
    """As people can read it; a character that is half of a pair stands escaped."""
    return (json.dumps(document, indent=2, ensure_ascii=True) + "\n").encode()


class _Dumper(yaml.SafeDumper):
    """Quotes what begins with no letter: the versions of YAML disagree on which texts are numbers."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, None if text[:1].isalpha() else '"')


_Dumper.add_representer(str, _text)


def _yaml(document: dict[str, Any]) -> bytes:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=False).encode()


ODPS_JSON = Format("odps.json", "Bitol ODPS, JSON", "application/json", lambda facts: to_json(odps.document(facts)))
ODPS_YAML = Format("odps.yaml", "Bitol ODPS, YAML", "application/yaml", lambda facts: _yaml(odps.document(facts)))
FORMATS = (
    ODPS_JSON,
    ODPS_YAML,
    Format("dcat.jsonld", "DCAT and DPROD, JSON-LD", "application/ld+json", lambda f: to_json(dcat.document(f))),
    Format("dcat.ttl", "DCAT and DPROD, Turtle", "text/turtle", lambda facts: dcat.turtle(dcat.document(facts))),
    Format("data.json", "DCAT-US data.json", "application/json", lambda facts: to_json(data_json.document(facts))),
    Format(
        "schema-org.jsonld",
        "schema.org, JSON-LD",
        "application/ld+json",
        lambda facts: to_json(schema_org.document(facts)),
    ),
)
BY_FILE = {format_.file: format_ for format_ in FORMATS}

# What the address of the page itself answers with, by the media type asked for; a page where nothing else is preferred.
HTML = "text/html"
NEGOTIATED = {
    "application/ld+json": BY_FILE["dcat.jsonld"],
    "text/turtle": BY_FILE["dcat.ttl"],
    "application/json": ODPS_JSON,
    "application/yaml": ODPS_YAML,
}
