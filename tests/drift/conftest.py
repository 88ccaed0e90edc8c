"""A product behind a gateway whose folder can be edited."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from marketplace.live import breaker, cache, services
from registry.models import Event, Product
from registry.services import LinkData
from tests.demo.documents import read_yaml
from tests.gateways import DEMO, running
from tests.live.hostile import Server

Edit = Callable[[dict[str, Any]], Any]
SOURCE = DEMO / "precipitation" / "us-precipitation"
CONTRACT = "us-precipitation-monthly"
OLDER = "monthly-normals-1.3.0.odcs.yaml"


@pytest.fixture(autouse=True)
def no_memory_between_tests() -> None:
    """No host rests and no client is kept because of an earlier test."""
    breaker._open_until.clear()
    cache._redis_at.cache_clear()


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server of which each answer can be chosen."""
    started = Server().start()
    yield started
    started.stop()


class Folder:
    """The folder of a product; every edit has a later time than the one before, as on a slow file system."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._times = count(1_800_000_000)

    def file(self, name: str) -> Path:
        return self.path / "contracts" / f"{name}.odcs.yaml"

    def edit(self, change: Edit, name: str = "monthly-normals", to: str | None = None) -> None:
        """Changes a contract in place, or writes it changed `to` another file."""
        document = read_yaml(self.file(name))
        change(document)
        target = self.file(to or name)
        target.write_text(yaml.safe_dump(document, sort_keys=False))
        self.touch(target)

    def touch(self, path: Path) -> None:
        moment = next(self._times)
        os.utime(path, (moment, moment))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A copy of a demo product, with the newest version of its contract alone."""
    shutil.copytree(SOURCE, tmp_path / "product")
    (tmp_path / "product" / "contracts" / OLDER).unlink()
    return Folder(tmp_path / "product")


@pytest.fixture
def product(folder: Folder, setup_product: Callable[..., Product]) -> Iterator[Product]:
    """Published, behind a real gateway that serves the folder."""
    with running(folder.path) as url:
        yield setup_product(links=[LinkData("discovery", f"{url}/discover", "application/json")])


@pytest.fixture
def refresh() -> Callable[[Product], None]:
    """Asks the product everything, as a worker does, and waits for it."""

    def ask(product: Product) -> None:
        services.refresh_product(product.pk)

    return ask


@pytest.fixture
def drifts() -> Callable[[Product], list[dict[str, Any]]]:
    """The data of all `contract.drifted` events of a product."""

    def read(product: Product) -> list[dict[str, Any]]:
        found = Event.objects.filter(type="contract.drifted", subject=product.urn).order_by("id")
        return [event.data for event in found]

    return read


def columns_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns of the first table."""
    columns: list[dict[str, Any]] = document["schema"][0]["properties"]
    return columns
