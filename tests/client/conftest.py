"""A marketplace that really serves, a person with a token, and `mesh` as a person has it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client import Marketplace
from client.__main__ import cli
from marketplace.accounts import tokens
from marketplace.accounts.models import Team, User
from marketplace.accounts.services import create_team
from registry.models import Domain


@pytest.fixture
def token(producer: User, team: Team, precipitation: Domain) -> str:
    """Of the producer."""
    return tokens.create_token(producer, "mesh", 30)[1]


@pytest.fixture
def there(live_server: Any, token: str) -> Any:
    """The library, as the producer."""
    with Marketplace(live_server.url, token) as found:
        yield found


@pytest.fixture
def receivers(outsider: User) -> Team:
    """The outsider's team."""
    return create_team("Receivers", members=(outsider,))


@pytest.fixture
def elsewhere(live_server: Any, receivers: Team, outsider: User) -> Any:
    """The library, as the outsider."""
    with Marketplace(live_server.url, tokens.create_token(outsider, "mesh", 30)[1]) as found:
        yield found


@pytest.fixture
def mesh(live_server: Any, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`mesh`, with the producer's token in the environment."""
    monkeypatch.setenv("MESH_URL", live_server.url)
    monkeypatch.setenv("MESH_TOKEN", token)
    monkeypatch.setenv("MESH_CONFIG", str(tmp_path / "config" / "login.json"))

    def run(*arguments: Any, **options: Any) -> Result:
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments], **options)
        assert token not in result.output
        return result

    return run


def rain(number: int = 1, **more: Any) -> dict[str, Any]:
    """A product for the list."""
    return {
        "domain": "precipitation",
        "name": f"rain-{number}",
        "title": f"Rain {number}",
        "summary": f"What fell at station {number}, each day since 1961, in millimetres.",
        "tags": ["rain", "daily"],
        "links": [{"rel": "discovery", "url": f"https://rain.example.org/{number}/discover"}],
        **more,
    }
