"""What is not documented does not exist: settings, commands and API paths are compared with docs/."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

import marketplace.settings
from marketplace import env

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"


def every_document() -> str:
    return "\n".join(
        path.read_text()
        for path in [REPOSITORY / "README.md", *DOCS.rglob("*.md"), REPOSITORY / "gateway" / "README.md"]
    )


def test_every_setting_is_documented_and_every_documented_setting_exists():
    assert marketplace.settings  # importing it declares all settings
    text = (DOCS / "settings.md").read_text()
    ours, runtime = text.split("Read by `make run` alone")
    assert set(re.findall(r"^\| `([A-Z_]+)`", ours, re.M)) == set(env.DECLARED)
    source = "".join(path.read_text() for path in (REPOSITORY / "marketplace" / "runtime").glob("*.py"))
    for name in re.findall(r"^\| `([A-Z_]+)`", runtime, re.M):
        assert f'"{name}"' in source


def test_every_command_is_documented():
    ours = [name for name, app in get_commands().items() if app.split(".")[0] in {"marketplace", "registry", "search"}]
    assert "import_products" in ours
    documents = every_document()
    assert [name for name in ours if name not in documents] == []


def test_every_make_target_is_documented():
    readme = (REPOSITORY / "README.md").read_text()
    targets = re.findall(r"^([a-z]+):.*## ", (REPOSITORY / "Makefile").read_text(), re.M)
    assert {"run", "test", "bench", "lint", "help"} <= set(targets)
    assert [target for target in targets if f"make {target}" not in readme] == []


def test_every_api_path_is_documented(client, db):
    paths = client.get("/api/v1/schema/", {"format": "json"}, headers={"Accept": "application/json"}).json()["paths"]
    assert len(paths) > 5
    text = (DOCS / "api.md").read_text()
    assert [path for path in paths if path.replace("/api/v1", "", 1) not in text] == []


@pytest.mark.parametrize(
    "path", sorted(p.relative_to(REPOSITORY).as_posix() for p in [REPOSITORY / "README.md", *DOCS.rglob("*.md")])
)
def test_links_between_documents_lead_somewhere(path):
    document = REPOSITORY / path
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []
