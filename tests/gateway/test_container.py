"""The container recipe: small, non-root, and with everything that the gateway imports."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

GATEWAY = Path(__file__).resolve().parents[2] / "gateway"
OPTIONAL = {"anyio", "pydantic_core", "cryptography"}
"""Come with a package that is asked for."""


def imported() -> set[str]:
    """Distributions that modules of the gateway import, functions included."""
    modules: set[str] = set()
    for path in GATEWAY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.split(".")[0])
    known = packages_distributions()
    foreign = modules - set(sys.stdlib_module_names) - {"gateway", "_typeshed"}
    return {known[module][0].lower() for module in foreign}


def required() -> set[str]:
    lines = (GATEWAY / "requirements.txt").read_text("utf-8").splitlines()
    names = [line.split("#")[0].split("[")[0].strip() for line in lines]
    return {name.lower() for name in names if name}


def test_every_package_that_is_imported_is_installed():
    assert imported() - required() - OPTIONAL == set()


def test_the_recipe_installs_what_the_extra_does():
    """DuckDB imports `pytz` by itself, so reading the imports does not tell; the lists keep each other whole."""
    project = tomllib.loads((GATEWAY.parent / "pyproject.toml").read_text("utf-8"))["project"]
    extra = {re.split(r"[\[><=; ]", line)[0].lower() for line in project["optional-dependencies"]["gateway"]}
    assert required() == extra


def test_each_package_has_an_exact_version():
    pinned = {line.split("==")[0].lower() for line in (GATEWAY.parent / "constraints.txt").read_text().splitlines()}
    assert {name.replace("_", "-") for name in required()} - pinned == set()


def test_nothing_of_the_marketplace_is_installed():
    assert required() & {"django", "celery", "torch", "sentence-transformers", "redis"} == set()


def test_the_recipe_runs_as_nobody_special_and_copies_the_gateway_only():
    recipe = (GATEWAY / "Dockerfile").read_text("utf-8")
    last = recipe.rsplit("FROM ", 1)[1]
    assert "\nUSER gateway\n" in last
    copied = [line.split()[-2:] for line in last.splitlines() if line.startswith("COPY gateway")]
    assert copied == [["gateway", "/app/gateway"]]
    assert last.index("USER gateway") < last.index("ENTRYPOINT")
