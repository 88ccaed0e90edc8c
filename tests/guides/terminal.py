"""A terminal that does what a guide says, line by line: the real commands, against what really serves."""

import os
import re
import shlex
import time
import tomllib
from contextlib import ExitStack
from pathlib import Path

import httpx2
import typer
from typer.testing import CliRunner

from client.__main__ import cli as mesh
from gateway.__main__ import cli as gateway
from tests.gateway.test_serving import process

REPOSITORY = Path(__file__).resolve().parents[2]
MARKETPLACE, GATEWAY = "http://127.0.0.1:8000", "http://127.0.0.1:8100"
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
PATIENCE = 30.0  # seconds until a gateway that has just started has measured itself


class Terminal:
    """`saw` holds, in order, what each command wrote; anything that fails fails the test."""

    def __init__(self, folder: Path, marketplace: str, token: str, opened: ExitStack) -> None:
        self.folder, self.marketplace, self.opened = folder, marketplace, opened
        self.environment = {"MESH_CONFIG": str(folder / "login.json")}
        self.token = token
        self.gateway = ""
        self.saw: list[str] = []
        self.unchecked = False  # whether a file of the gateway was saved that nothing has looked at yet

    def follow(self, guide: str) -> None:
        """Saves each file and types each command of the guide."""
        text = (REPOSITORY / "docs" / "guides" / f"{guide}.md").read_text("utf-8")
        assert text.count("```") == 2 * len(FENCE.findall(text)), "a fence without a language"
        for language, file, body in FENCE.findall(text):
            if file:
                self._save(file, body)
            elif language == "sh":
                for line in body.replace("\\\n", "").splitlines():
                    self.saw.append(self.run(line))
            else:
                assert language == "python", f"nobody checks {language} without a file name"
                self._python(body)
        if self.unchecked:
            self.run("gateway validate daily-rain")

    def run(self, line: str) -> str:
        """What the command writes."""
        program, *arguments = shlex.split(os.path.expandvars(self._here(line)) if "$" in line else self._here(line))
        if program == "export":
            return self._export(arguments[0])
        if program == "pip":
            return _installable(arguments)
        if program == "curl":
            assert not re.search(r"(^|\s)[^'\s]*[?&][^'\s]*", re.sub(r"'[^']*'", "''", line)), f"unquoted: {line}"
            return self._curl(arguments)
        assert program in ("mesh", "gateway"), f"no guide may ask for {program}"
        if arguments[0] == "serve":
            return self._serve(arguments[1:])
        told = CliRunner().invoke(mesh if program == "mesh" else gateway, arguments)
        assert told.exit_code == 0, f"{line}\n{told.output}"
        assert self.token not in told.output
        if arguments[0] == "validate":
            assert "0 errors, 0 warnings" in told.output
            self.unchecked = False
        return str(told.output)

    def _here(self, text: str) -> str:
        return text.replace(MARKETPLACE, self.marketplace).replace(GATEWAY, self.gateway or GATEWAY)

    def _save(self, file: str, body: str) -> None:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._here(body), "utf-8")
        if file.startswith("daily-rain/") and path.suffix == ".yaml":
            self.unchecked = True

    def _export(self, said: str) -> str:
        name, _, value = said.partition("=")
        self.environment[name] = self.token if value == "dmm_…" else value
        os.environ.update(self.environment)
        return ""

    def _serve(self, arguments: list[str]) -> str:
        command = typer.main.get_command(gateway).commands["serve"]  # type: ignore[attr-defined] # it is a group
        command.make_context("serve", list(arguments))  # raises for an option there is none of
        if not self.gateway:
            assert len(arguments) == 1
            port, _, _ = self.opened.enter_context(process(self.folder / arguments[0]))
            self.gateway = f"http://127.0.0.1:{port}"
        return ""

    def _curl(self, arguments: list[str]) -> str:
        method, headers, url = "GET", {}, ""
        left = iter(arguments)
        for argument in left:
            if argument == "-I":
                method = "HEAD"
            elif argument == "-H":
                name, _, value = next(left).partition(":")
                headers[name] = value.strip()
            else:
                assert not argument.startswith("-"), f"the terminal knows no {argument} of curl"
                url = argument
        until = time.monotonic() + PATIENCE
        while True:
            answer = httpx2.request(method, url, headers=headers, timeout=10, trust_env=False)
            settling = answer.status_code in (404, 503) and url.startswith(self.gateway or "-")
            if not settling or time.monotonic() > until:
                break
            time.sleep(0.05)  # the pause between two looks at a gateway that measures itself
        assert answer.status_code < 400, f"{url}: {answer.status_code} {answer.text[:300]}"
        return str(answer.headers.get("Location", "")) if method == "HEAD" else answer.text

    def _python(self, body: str) -> None:
        exec(compile(body, "guide", "exec"), {})  # noqa: S102 # the guide is ours, and this is what it is tested for


def _installable(arguments: list[str]) -> str:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert arguments[0] == "install"
    extra = re.fullmatch(r"\.\[(\w+)\]", arguments[1])
    assert extra, arguments
    assert extra[1] in project["optional-dependencies"]
    assert {"mesh", "gateway"} <= set(project["scripts"])
    return ""
