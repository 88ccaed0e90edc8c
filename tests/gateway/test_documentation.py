"""The written definition of the protocol and the code say the same."""

import re
from pathlib import Path

import pytest
import yaml

from gateway import protocol
from gateway.commands.documenting import protocol_text
from gateway.product import load_product
from gateway.samples import FORMATS

PROJECT = Path(__file__).resolve().parents[2]
MODELS = [
    model
    for model in vars(protocol).values()
    if isinstance(model, type) and issubclass(model, protocol.Wire) and model.model_fields
]


def documented() -> str:
    return (PROJECT / "docs" / "gateway-protocol.md").read_text("utf-8")


def test_every_call_is_documented_and_no_other(client):
    calls = set(re.findall(r"^\| `[A-Z]+ (/[^`?]*)", documented(), re.MULTILINE))
    assert calls == {route.path.replace(":path", "") for route in client.app.routes}


def test_the_generated_part_is_what_the_models_say():
    assert protocol_text() in documented()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_on_the_wire_is_documented(model):
    text = documented()
    missing = [f.alias or name for name, f in model.model_fields.items() if f"`{f.alias or name}`" not in text]
    assert missing == []


def test_the_example_of_the_readme_is_a_valid_product(tmp_path):
    readme = (PROJECT / "gateway" / "README.md").read_text("utf-8")
    for block in re.findall(r"```yaml\n# (\S+)\n(.*?)```", readme, re.DOTALL):
        path = tmp_path / block[0]
        path.parent.mkdir(exist_ok=True)
        path.write_text(block[1].replace("…", "none"), "utf-8")
        assert yaml.safe_load(path.read_text("utf-8"))
    product = load_product(tmp_path)
    [entry] = product.artifacts.values()
    assert (entry.artifact.kind, entry.artifact.access_rights, entry.notes) == ("table", "open", [])
    assert entry.data is not None
    assert entry.data.path == (tmp_path / "data" / "measurements.csv").resolve()


def test_the_readme_names_every_format_whose_rows_can_be_shown():
    readme = (PROJECT / "gateway" / "README.md").read_text("utf-8")
    assert [name for name in FORMATS if f"`{name}`" not in readme] == []
