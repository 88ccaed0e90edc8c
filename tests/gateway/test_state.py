"""What a gateway must remember survives a restart, stays within its limits, and never stands in the way."""

import threading
import time
from pathlib import Path

import pytest

from gateway.state import STATE_FILE, State


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def test_what_was_kept_is_there_after_a_restart(state: State):
    state.put("paused", {"since": "2026-01-01T00:00:00Z"})
    state.add("order", "a", {"rows": 3}, limit=10)
    state.append("access", {"who": "x"})
    state.close()
    again = State(state.directory)
    assert again.get("paused") == {"since": "2026-01-01T00:00:00Z"}
    assert again.items("order") == {"a": {"rows": 3}}
    assert [entry.value for entry in again.entries("access")] == [{"who": "x"}]


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path):
    State.beside(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_state_is_in_memory_and_says_so(tmp_path: Path):
    (tmp_path / "taken").write_text("a file where the directory should be")
    state = State(tmp_path / "taken")
    state.put("paused", True)
    assert state.get("paused") is True
    assert not state.durable
    assert "kept in memory" in (state.reason or "")


def test_a_file_that_is_no_database_does_not_stop_the_gateway(tmp_path: Path):
    (tmp_path / STATE_FILE).write_bytes(b"this is no database, but a text of some length" * 100)
    state = State(tmp_path)
    state.put("paused", True)
    assert state.get("paused") is True
    assert not state.durable
    assert (tmp_path / STATE_FILE).read_bytes().startswith(b"this is no database"), "not ours to overwrite"


def test_a_limit_of_items_holds_against_many_at_once(state: State):
    added: list[bool] = []

    def add(first: int) -> None:
        added.extend(state.add("subscription", str(n), {}, limit=50) for n in range(first, first + 25))

    threads = [threading.Thread(target=add, args=(start,)) for start in range(0, 100, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert added.count(True) == 50
    assert state.count("subscription") == 50


def test_an_expired_item_is_gone_and_makes_room(state: State):
    past = time.time() - 1
    assert state.add("order", "old", {}, limit=1, expires=past)
    assert state.item("order", "old") is None
    assert state.items("order") == {}
    assert not state.change("order", "old", {"back": True})
    assert state.add("order", "new", {}, limit=1)


def test_items_change_and_go(state: State):
    state.add("order", "a", {"status": "accepted"}, limit=5)
    assert not state.add("order", "a", {"status": "again"}, limit=5), "an id is given once"
    assert state.change("order", "a", {"status": "ready"})
    assert state.item("order", "a") == {"status": "ready"}
    assert state.remove("order", "a")
    assert not state.remove("order", "a")


def test_a_log_keeps_the_newest_and_pages(state: State):
    for number in range(30):
        state.append("access", {"n": number}, keep=20)
    state.append("other", {"n": "x"}, keep=20)
    newest = state.entries("access", limit=5)
    assert [entry.value["n"] for entry in newest] == [29, 28, 27, 26, 25]
    older = state.entries("access", limit=100, before=newest[-1].number)
    assert [entry.value["n"] for entry in older] == list(range(24, 9, -1))


def test_a_transaction_that_fails_leaves_nothing(state: State):
    with pytest.raises(RuntimeError), state.transaction() as db:
        db.execute("INSERT INTO setting VALUES ('half', '1')")
        raise RuntimeError
    assert state.get("half") is None
    state.put("whole", 1)


def test_two_processes_can_share_a_file(state: State):
    other = State(state.directory)
    state.put("paused", True)
    assert other.get("paused") is True
    other.drop("paused")
    assert state.get("paused") is None
