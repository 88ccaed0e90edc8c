"""The embedded PostgreSQL and Valkey: they come up, keep data, and leave nothing that blocks the next run."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from marketplace.runtime.embedded import BusyError, Servers, read_identities
from marketplace.runtime.paths import StartError, Var
from tests.runtime.conftest import Program, processes_of, wait_until

HOLD = """
import sys
from marketplace.runtime.embedded import Servers
from marketplace.runtime.paths import Var
servers = Servers(Var.from_environment()).start("a test")
print("up", flush=True)
import signal; signal.pause()
"""


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    both = Servers(Var(tmp_path / "var"), durable=False)
    yield both
    both.stop()


def connect(servers: Servers) -> psycopg.Connection:
    return psycopg.connect(servers.environment()["DATABASE_URL"], autocommit=True)


def test_the_database_has_vectors_and_its_user_is_no_superuser(servers: Servers) -> None:
    servers.start()
    with connect(servers) as connection:
        connection.execute("CREATE TABLE summary (v vector(3))")
        connection.execute("CREATE INDEX ON summary USING hnsw (v vector_l2_ops)")
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
        assert connection.execute("SHOW jit").fetchone() == ("off",)


def test_a_scratch_database_made_by_the_user_has_vectors_too(servers: Servers) -> None:
    servers.start()
    with connect(servers) as connection:
        connection.execute("CREATE DATABASE scratch")
    with psycopg.connect(servers.postgres.url.replace("/marketplace?", "/scratch?")) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        assert connection.execute("SELECT '[1,2]'::vector <-> '[1,4]'").fetchone() == (2.0,)


def test_data_survives_a_second_start_and_what_may_be_lost_is_lost(servers: Servers) -> None:
    servers.start()
    with connect(servers) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with redis.Redis.from_url(servers.environment()["REDIS_URL"]) as cache:
        cache.set("seen", "1")
    servers.stop()
    assert processes_of(servers.var.root) == []

    servers.start()
    with connect(servers) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    with redis.Redis.from_url(servers.environment()["REDIS_URL"]) as cache:
        assert cache.get("seen") is None
        # A queue must never be pushed out by cached answers.
        assert cache.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}


def test_a_second_owner_is_refused_and_told_who_holds_the_data(servers: Servers) -> None:
    servers.start("the first one")
    second = Servers(servers.var)
    with pytest.raises(BusyError, match=rf"in use by `the first one` \(process {os.getpid()}\)"):
        second.start()
    second.attach()
    with connect(second) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_nothing_outlives_an_owner_that_is_killed_and_the_next_one_starts(
    servers: Servers, launch: Callable[..., Program]
) -> None:
    first = launch(HOLD)
    first.says("up")
    with connect(servers) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert len(processes_of(servers.var.root)) >= 3
    first.process.kill()
    first.ends()
    wait_until(lambda: not processes_of(servers.var.root), "the servers of the killed owner are gone")

    servers.start()
    with connect(servers) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_servers_whose_postmaster_was_killed_too_do_not_block_the_next_start(
    servers: Servers, launch: Callable[..., Program]
) -> None:
    first = launch(HOLD)
    first.says("up")
    with connect(servers) as connection:
        # A backend that is busy when its postmaster dies holds the shared memory for a while.
        connection.execute("SET statement_timeout = 0")
        postmaster = int((servers.var.postgres / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        first.process.kill()
        first.ends()
        servers.start()
    with connect(servers) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_pid_file_that_names_somebody_elses_process_is_no_obstacle(servers: Servers) -> None:
    servers.start()
    servers.stop()
    pid_file = servers.var.postgres / "postmaster.pid"
    pid_file.write_text(
        f"{os.getppid()}\n{servers.var.postgres}\n1\n5432\n{servers.postgres.socket_folder}\n\n1 1\nready\n"
    )
    (servers.postgres.socket_folder / ".s.PGSQL.5432.lock").write_text(f"{os.getppid()}\n")
    servers.valkey.socket.write_text("not a socket")
    servers.start()
    assert servers.postgres.is_ready() and servers.valkey.is_ready()


def test_a_first_run_interrupted_half_way_is_taken_up_again(servers: Servers) -> None:
    servers.var.create()
    half = servers.var.root / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    servers.start()
    assert servers.postgres.is_ready()


def test_a_path_too_long_for_a_socket_is_got_round(tmp_path: Path) -> None:
    deep = tmp_path / ("a folder " * 8) / ('with (odd), "signs" & é' * 3) / "var"
    servers = Servers(Var(deep), durable=False)
    with servers, connect(servers) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert redis.Redis.from_url(servers.environment()["REDIS_URL"]).ping()
    assert len(str(servers.valkey.socket)) < 100


def test_spaces_and_signs_in_the_path_are_no_obstacle(tmp_path: Path) -> None:
    servers = Servers(Var(tmp_path / "a, b & 50% é"), durable=False)
    with servers, connect(servers) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert redis.Redis.from_url(servers.environment()["REDIS_URL"]).ping()


def test_a_folder_that_cannot_be_written_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    with pytest.raises(StartError, match="MARKETPLACE_VAR"):
        Servers(Var(tmp_path / "var")).start()


def test_data_of_another_postgresql_is_left_alone(servers: Servers) -> None:
    servers.var.create()
    servers.var.postgres.mkdir()
    (servers.var.postgres / "PG_VERSION").write_text("16\n")
    with pytest.raises(StartError, match="written by PostgreSQL 16"):
        servers.start()
    assert (servers.var.postgres / "PG_VERSION").read_text() == "16\n"


def test_a_server_that_cannot_start_is_said_with_the_end_of_its_log(servers: Servers) -> None:
    servers.start()
    servers.stop()
    (servers.var.postgres / "postgresql.conf").write_text("this is no setting\n")
    with pytest.raises(StartError, match=r"(?s)Postgres did not start.*syntax error"):
        servers.start()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"processes": 7}', '{"processes": {"a": null}}'])
def test_an_unreadable_state_file_names_no_process(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    assert read_identities(tmp_path / "state.json") == []
