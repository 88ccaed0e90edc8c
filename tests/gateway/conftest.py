"""A small product folder and a client of its gateway. The gateway needs neither Django, nor PostgreSQL, nor Redis."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from gateway.app import create_app

ODPS: dict[str, Any] = {
    "apiVersion": "v1.1.0",
    "kind": "DataProduct",
    "id": "0f7d1c1e-6b1f-4a53-9a36-0d6c7d6e3f10",
    "name": "daily-rain",
    "version": "1.2.0",
    "status": "active",
    "domain": "precipitation",
    "description": {
        "purpose": "Rain of each day at three stations.",
        "usage": "Farming",
        "limitations": "${REGION:-EU}",
    },
    "tags": ["rain"],
    "productCreatedTs": "2024-02-29T10:30:00Z",
    "customProperties": [
        {"property": "title", "value": "Daily rain"},
        {"property": "license", "value": "CC-BY-4.0"},
        {"property": "policies", "value": ["Open data", {"name": "Fair use", "url": "https://example.org/fair"}]},
        {"property": "nothing", "value": None},
    ],
    "outputPorts": [
        {
            "name": "rain",
            "description": "One row a station and day.",
            "type": "tables",
            "version": "1.0.0",
            "contractId": "daily-rain",
            "tags": ["measured"],
            "customProperties": [{"property": "accessRights", "value": "on_request"}],
        },
        {
            "id": "5b0f8d0e-52b4-4b8b-9a4f-6a7f3f1f6a01",
            "name": "how-to",
            "version": "1.0.0",
            "contractId": "how-to",
            "customProperties": [{"property": "kind", "value": "document"}],
        },
    ],
}

RAIN: dict[str, Any] = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "daily-rain",
    "version": "1.0.0",
    "status": "active",
    "name": "Rain",
    "tags": ["measured", "daily"],
    "servers": [{"server": "local", "type": "local", "path": "data/rain.csv", "format": "csv"}],
    "schema": [
        {
            "name": "rain",
            "physicalType": "table",
            "properties": [
                {"name": "station", "logicalType": "string", "required": True},
                {"name": "mm", "logicalType": "number"},
            ],
        }
    ],
    "slaProperties": [{"property": "timeOfAvailability", "value": "10:30"}],
    "customProperties": [{"property": "empty", "value": None}],
}

HOW_TO: dict[str, Any] = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "how-to",
    "version": "1.0.0",
    "status": "active",
    "servers": [{"server": "local", "type": "local", "path": "data/how-to.pdf", "format": "pdf"}],
}


@pytest.fixture(autouse=True)
def fresh_redis() -> None:
    """Stands in for the fixture of that name all other tests need: no Redis here."""


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a document as YAML, in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A valid product folder: a table with 150 rows and a PDF."""
    product = tmp_path / "daily-rain"
    write(product / "product.odps.yaml", ODPS)
    write(product / "contracts" / "rain.odcs.yaml", RAIN)
    write(product / "contracts" / "how-to.odcs.yaml", HOW_TO)
    (product / "data").mkdir()
    rows = "".join(f"S{number},{number}.5\n" for number in range(150))
    (product / "data" / "rain.csv").write_text("station,mm\n" + rows)
    (product / "data" / "how-to.pdf").write_bytes(b"%PDF-1.7\n")
    return product


@pytest.fixture
def opened(folder: Path) -> None:
    """Makes both artifacts of the folder open: their samples and downloads need no grant."""
    write(folder / "gateway.yaml", {"artifacts": {"rain": {"access": "open"}, "how-to": {"access": "open"}}})


@pytest.fixture
def client_of() -> Callable[..., TestClient]:
    """A client of the gateway of a folder; takes the arguments of create_app."""

    def client(product: Path, **options: Any) -> TestClient:
        return TestClient(create_app(product, **options), raise_server_exceptions=False)

    return client


@pytest.fixture
def client(folder: Path, client_of: Callable[..., TestClient]) -> TestClient:
    """A client of the gateway of the valid folder."""
    return client_of(folder)


@pytest.fixture
def other_version(folder: Path) -> Path:
    """The folder with version 1.10.0 of the rain contract beside 1.0.0."""
    write(folder / "contracts" / "rain-2.odcs.yaml", {**RAIN, "version": "1.10.0"})
    write(folder / "contracts" / "rain-1.9.odcs.yaml", {**RAIN, "version": "1.9.0"})
    return folder


@pytest.fixture
def descriptors() -> Path:
    """Published example documents beside the repository; skips where absent."""
    found = Path(__file__).resolve().parents[3] / "shared" / "data" / "descriptors"
    if not found.is_dir():
        pytest.skip("needs ../shared/data/descriptors (published example documents), which is not here")
    return found


@pytest.fixture
def without_data(folder: Path) -> Path:
    """The folder with its data gone."""
    shutil.rmtree(folder / "data")
    return folder
