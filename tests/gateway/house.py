"""A served product for the tests of grants, consume, control and ingest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from starlette.testclient import TestClient

from .conftest import write


class House:
    """A product folder with a gateway.yaml, and a client of its gateway."""

    def __init__(self, folder: Path, client_of: Callable[..., TestClient], config: dict[str, Any]) -> None:
        self.folder = folder
        self.config = config
        write(folder / "gateway.yaml", config)
        self.client_of = client_of
        self.client = client_of(folder)
        listed = self.client.get("/discover/artifacts").json()["artifacts"]
        self.ids = {artifact["name"]: artifact["id"] for artifact in listed}
        self.rain = f"/consume/{self.ids['rain']}"

    def ask(self, sql: str, headers: dict[str, str] | None = None, **other: Any) -> Any:
        """The answer to a query over the rain table."""
        return self.client.post(f"{self.rain}/query", json={"sql": sql, **other}, headers=headers)

    def rows(self, sql: str, headers: dict[str, str] | None = None) -> Any:
        """The rows of a query that must work."""
        answer = self.ask(sql, headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["rows"]

    def log(self) -> list[dict[str, Any]]:
        """The access log, newest first."""
        return self.client.app.state.context.log.latest()  # type: ignore[attr-defined]


def workers() -> list[int]:
    """Process ids of the reading subprocesses of this process that run now."""
    found = []
    for child in psutil.Process().children():
        try:
            if any("consume.worker" in part for part in child.cmdline()):
                found.append(child.pid)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found
