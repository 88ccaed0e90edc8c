"""docs/client.md says what there is."""

import re
from pathlib import Path

import typer

from client.__main__ import cli
from client.product_files import read

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "client.md").read_text()


def test_every_command_and_every_option_is_documented():
    group = typer.main.get_command(cli)
    assert set(group.commands) == set(re.findall(r"`mesh (\w+)", PAGE))
    steps = [step for command in group.commands.values() for step in getattr(command, "commands", {}).values()]
    assert [step.name for step in steps if f"`{step.name}" not in PAGE and f" {step.name} " not in PAGE] == []
    options = {
        option
        for command in [*group.commands.values(), *steps]
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }
    documented = set(re.findall(r"(?<!-)--[a-z][a-z-]*", PAGE))
    assert options - documented == {"--file"}
    assert documented <= options


def test_the_list_of_the_page_is_one(tmp_path):
    file = tmp_path / "products.yaml"
    file.write_text(re.search(r"```yaml\n(.*?)```", PAGE, re.S)[1])
    (product,) = read(file)
    assert {"domain", "name", "title", "summary", "owner", "links"} <= set(product)
