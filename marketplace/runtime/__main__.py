"""`python -m marketplace.runtime`: everything, until Ctrl-C. What `make run` calls."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping

from marketplace.runtime import stack
from marketplace.runtime.bootstrap import default_environment, embedded_needed
from marketplace.runtime.console import Console
from marketplace.runtime.embedded import Servers
from marketplace.runtime.paths import StartError, Var
from marketplace.runtime.postgres import without_postgres_variables
from marketplace.runtime.supervisor import Supervisor, run

NAMES = [
    "postgres",
    "valkey",
    "migrate",
    "static",
    "web",
    "worker",
    "worker-embed",
    "gateways",
    "demo",
]


async def bring_up(
    supervisor: Supervisor, servers: Servers | None, var: Var, options: stack.Options, begun: float
) -> None:
    """Starts everything in order, saying each step. Raises ProcessFailedError or StartError."""
    console = supervisor.console
    if servers:
        console.step("starting PostgreSQL and Valkey")
        for spec in stack.databases(servers):
            await supervisor.start(spec, wait=False)
        await supervisor.ready("postgres", "valkey")
        await asyncio.to_thread(servers.postgres.create_database)
        servers.mark_ready()
    console.step("bringing the database up to date")
    await supervisor.step(stack.manage("migrate", "migrate", "--noinput", "--verbosity", "1"))
    await supervisor.step(stack.manage("static", "collectstatic", "--noinput", "--verbosity", "0"))

    console.step("starting the web server and the workers (the embedding model takes some seconds to load)")
    workers = stack.workers(var.run)
    for spec in [stack.web(options), *workers, *([stack.gateways(options)] if options.demo else [])]:
        await supervisor.start(spec, wait=False)
    await supervisor.ready("web")
    console.step(f"first page after {time.monotonic() - begun:.0f} s: {options.address}")
    await supervisor.ready(*(spec.name for spec in workers))
    if options.demo:
        await supervisor.ready("gateways")
        console.step("loading the Climate Quantum demo")
        await supervisor.step(stack.manage("demo", "load_demo"))
    supervisor.set_fact("ready_after_seconds", round(time.monotonic() - begun, 1))
    console.block(closing_lines(options, var, servers is not None))


def closing_lines(options: stack.Options, var: Var, embedded: bool) -> list[str]:
    """What the person needs to know once all runs."""
    lines = [f"The marketplace runs at {options.address}"]
    if options.demo:
        lines += [
            "",
            "Sign in as consumer, producer, steward or admin; the password is demo.",
            "(Demo accounts, on this machine only. DEMO=0 make run: without the demo.)",
        ]
    lines += [
        "",
        f"Data: {var.root}" if embedded else "Data: the servers of DATABASE_URL and REDIS_URL",
        "Ctrl-C stops everything that was started here.",
    ]
    return lines


async def supervise(environment: Mapping[str, str], servers: Servers | None, var: Var, options: stack.Options) -> int:
    """Runs everything until a signal or a failure; returns the exit code."""
    begun = time.monotonic()
    console = Console(NAMES)
    facts: dict[str, object] = {
        "web": options.address,
        "demo": options.demo,
        "gateway_port": options.gateway_port,
        "DATABASE_URL": environment["DATABASE_URL"],
        "REDIS_URL": environment["REDIS_URL"],
    }
    supervisor = Supervisor(console, var.state, environment, facts)
    return await run(supervisor, bring_up(supervisor, servers, var, options, begun))


def main() -> int:
    """Checks what can be checked before anything starts, then supervises. Returns the exit code."""
    var = Var.from_environment()
    servers = Servers(var)
    try:
        options = stack.Options.from_environment(os.environ)
        embedded = embedded_needed()
        servers.claim("make run")
        stack.refuse_taken_ports(options)
        environment = {**os.environ, **stack.LEAN}
        if embedded:
            environment = {**without_postgres_variables(environment), **default_environment(servers)}
            if not (var.postgres / "PG_VERSION").exists():
                print(f"> creating a new database in {var.root} (a few seconds, only this once)", flush=True)
            servers.prepare()
        environment.setdefault("PUBLIC_URL", options.address)
        environment["DEMO_GATEWAY_PORT"] = str(options.gateway_port)
        environment["DEMO"] = "1" if options.demo else "0"
        return asyncio.run(supervise(environment, servers if embedded else None, var, options))
    except StartError as problem:
        print(f"! {problem}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        servers.owner.release()


if __name__ == "__main__":
    sys.exit(main())
