"""Whether the rules of each role fit the data: tried as a download would, before anybody asks for one."""

from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb

from gateway.consume.worker import SETTINGS, refuse_repeated_names, visible
from gateway.samples import DataError
from gateway.sources import Brought, Source, relation_of


def faults_of(source: Source, brought: Brought, scratch: Path, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`role` and `fault` (a sentence, or None) for each role of the job. A filter is tried on every row."""
    if not job["roles"]:
        return
    settings = {**SETTINGS, "memory_limit": f"{job['memory']}MB", "temp_directory": ""}
    with duckdb.connect(":memory:", config=settings) as connection:
        base = relation_of(connection, brought, source, scratch, job["disk"])
        for role, rules in job["roles"].items():
            yield {"role": role, "fault": _fault(connection, base, source, brought.files, rules, job["seconds"])}


def _fault(
    connection: Any, base: str, source: Source, files: list[Path], rules: dict[str, Any], seconds: float
) -> str | None:
    timer = Timer(seconds, connection.interrupt)
    timer.start()
    try:
        refuse_repeated_names(connection, base, source, files)
        query = visible(connection, base, rules, "")
        connection.execute(f"SELECT count(*) FROM ({query})").fetchone()  # noqa: S608 - as a download runs it
    except DataError as error:
        return str(error)
    except duckdb.InterruptException:
        return "its filter takes too long"
    except duckdb.ParserException:
        return "its filter is not SQL"
    except duckdb.BinderException:
        return "its filter names something that the data does not have"
    except duckdb.Error:
        return "its filter or its masks do not fit the data"
    finally:
        timer.cancel()
    return None
