"""compose.yaml describes the same processes as `make run`, on real servers. Parsed: no container engine is needed."""

import importlib.util
import ipaddress
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import RequestFactory

from marketplace.accounts.backends import is_near
from marketplace.env import DECLARED
from marketplace.runtime import stack
from marketplace.runtime.paths import REPOSITORY

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "data-mesh-marketplace"}
# Run once and end.
ONE_SHOT = {"migrate", "demo-load"}


def test_every_process_of_make_run_is_there() -> None:
    workers = {"worker-live", "worker-embed", "worker-default", "scheduler"}
    assert set(SERVICES) == workers | {"web", "migrate", "postgres", "valkey", "demo-gateways", "demo-load"}
    assert [name for name, service in SERVICES.items() if service.get("profiles")] == ["demo-gateways", "demo-load"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_exists(name: str) -> None:
    program, *arguments = OURS[name]["command"]
    match program:
        case "python" if arguments[0] == "manage.py":
            commands = {path.stem for path in REPOSITORY.glob("*/**/management/commands/*.py")}
            assert (REPOSITORY / "manage.py").exists()
            assert arguments[1] in commands | {"migrate"}
        case "python":
            assert arguments[0] == "-m" and importlib.util.find_spec(f"{arguments[1]}.__main__")
        case "gunicorn" | "celery":
            module = arguments[arguments.index("-A") + 1] if program == "celery" else arguments[0].split(":")[0]
            assert importlib.util.find_spec(module)
            assert importlib.util.find_spec(program)
        case _:
            pytest.fail(f"{name} runs {program}, which the image does not have")


@pytest.mark.parametrize("name", sorted(name for name in OURS if OURS[name]["command"][0] == "celery"))
def test_celery_understands_every_option(name: str) -> None:
    arguments = OURS[name]["command"][1:]
    command = next(word for word in ("worker", "beat") if word in arguments)
    told = subprocess.run(
        [sys.executable, "-m", "celery", command, "--help"], capture_output=True, text=True, check=True, cwd="/"
    ).stdout
    options = [word.split("=")[0] for word in arguments[arguments.index(command) :] if word.startswith("-")]
    assert options
    for option in options:
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", told), f"celery {command} has no {option}"


def test_queues_are_the_same_as_in_the_embedded_default_and_each_is_consumed_once() -> None:
    def queues(commands: list[list[str]]) -> list[str]:
        return sorted(",".join(command[command.index("-Q") + 1] for command in commands).split(","))

    here = queues([list(spec.argv) for spec in stack.workers(Path("/run"))])
    there = queues([service["command"] for service in OURS.values() if "-Q" in service["command"]])
    assert here == there == ["default", "embed", "live"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_whatever_keeps_running_says_how_it_is(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"} and len(check["test"]) > 1
    assert check["retries"] >= 3
    # A pipe ends as its last part does: a check must be able to fail.
    assert "|| true" not in " ".join(check["test"])


def test_what_must_not_be_lost_is_on_a_volume() -> None:
    named = set(COMPOSE["volumes"])
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == named
    # The image of PostgreSQL 18 keeps its data below this folder, and refuses one mounted at …/data.
    assert SERVICES["postgres"]["volumes"] == ["postgres-data:/var/lib/postgresql"]


# Settings that are not the operator's to choose here, and why.
NOT_PASSED = {
    "DEBUG": "never on a machine that others reach",
    "STATIC_ROOT": "the image has its own",
    "STATIC_HASHED": "the files are collected while the image is built",
}
# Settings whose default is another than outside of containers, and why.
OTHER_DEFAULT = {
    "LOG_JSON": "logs of containers are read by programs",
    "DEMO_ACCOUNT_NETWORKS": "a published port is reached through a bridge network",
}


def test_every_setting_is_passed_on_with_its_own_default() -> None:
    for name, service in OURS.items():
        assert set(service["environment"]) == set(DECLARED) - set(NOT_PASSED), name
    for name, given in OURS["web"]["environment"].items():
        if optional := re.fullmatch(rf"\$\{{{name}:-(.*)\}}", given):
            assert (optional[1] == DECLARED[name].default) is (name not in OTHER_DEFAULT), name
        else:
            assert f"${{{name}:?" in given or name in {"DATABASE_URL", "REDIS_URL"}, name


def test_a_demo_account_signs_in_through_the_published_port(settings: Any) -> None:
    default = re.fullmatch(r"\$\{\w+:-(.*)\}", OURS["web"]["environment"]["DEMO_ACCOUNT_NETWORKS"])
    assert default and SERVICES["web"]["ports"] == ["127.0.0.1:${PORT:-8000}:8000"]
    settings.DEMO_ACCOUNT_NETWORKS = [ipaddress.ip_network(word) for word in default[1].split(",")]
    for bridge in ("172.17.0.1", "172.31.0.1", "192.168.16.1"):  # from Docker's default address pools
        assert is_near(RequestFactory().get("/", REMOTE_ADDR=bridge))
    assert not is_near(RequestFactory().get("/", REMOTE_ADDR="203.0.113.7"))
    proxied = RequestFactory().get("/", REMOTE_ADDR="172.17.0.1", headers={"X-Forwarded-For": "203.0.113.7"})
    assert not is_near(proxied)


def test_the_dangerous_settings_have_no_default() -> None:
    environment = OURS["web"]["environment"]
    for variable in ("SECRET_KEY", "PUBLIC_URL", "ALLOWED_HOSTS"):
        assert f"${{{variable}:?" in environment[variable]
    assert ":?" in environment["DATABASE_URL"]
    assert environment["DEMO"] == "${DEMO:-0}"
    documented = (REPOSITORY / "docs" / "settings.md").read_text()
    assert all(variable in documented for variable in environment)


def test_nothing_of_ours_runs_as_root_or_may_write_its_program() -> None:
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    last_stage = dockerfile[dockerfile.rindex("\nFROM ") :]
    assert re.search(r"^USER marketplace$", last_stage, re.MULTILINE)
    for service in OURS.values():
        assert service["read_only"] and service["cap_drop"] == ["ALL"]


def test_everything_that_needs_the_tables_waits_for_the_migration() -> None:
    for name in set(OURS) - {"migrate", "demo-gateways"}:
        assert OURS[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}, name


def test_what_the_image_copies_is_in_the_repository() -> None:
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    ignored = (REPOSITORY / ".dockerignore").read_text().split()
    for sources in re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", dockerfile, re.MULTILINE):
        for source in sources.split():
            assert source == "." or (REPOSITORY / source).exists(), source
            assert source not in ignored
    assert ".venv" in ignored and "var" in ignored and ".git" in ignored


def test_docker_reads_it() -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no docker compose here to read compose.yaml with")
    variables = {"POSTGRES_PASSWORD": "x", "SECRET_KEY": "x" * 40, "PUBLIC_URL": "http://x", "ALLOWED_HOSTS": "x"}
    subprocess.run(
        [docker, "compose", "config", "--quiet"], cwd=REPOSITORY, env={**os.environ, **variables}, check=True
    )
