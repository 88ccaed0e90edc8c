"""Reading the documents of the demo as the published schemas want them: timestamps stay text."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft201909Validator

from demo.loading import Mesh, Product, load_mesh

MESH: Mesh = load_mesh()


class _TextDates(yaml.SafeLoader):
    """YAML without timestamps."""


_TextDates.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_TextDates)  # noqa: S506 - a safe loader


def odps_validator() -> Draft201909Validator:
    return _validator(files("dataproduct") / "schemas" / "odps-1.1.0.schema.json")


def odcs_validator() -> Draft201909Validator:
    return _validator(files("open_data_contract_standard") / "schema.json")


def _validator(schema: Any) -> Draft201909Validator:
    return Draft201909Validator(
        json.loads(schema.read_text(encoding="utf-8")), format_checker=Draft201909Validator.FORMAT_CHECKER
    )


def product_document(product: Product) -> dict[str, Any]:
    return read_yaml(product.folder / "product.odps.yaml")


def contracts_of(product: Product) -> dict[str, dict[str, Any]]:
    """The contracts in the folder of a product, by id."""
    documents = [read_yaml(path) for path in sorted((product.folder / "contracts").glob("*.odcs.yaml"))]
    return {document["id"]: document for document in documents}


def product_named(name: str) -> Product:
    return next(product for product in MESH.products if product.name == name)
