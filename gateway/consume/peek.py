"""A look into a Parquet file, in a process of its own: `python -m gateway.consume.peek`, a job as JSON on stdin.

Job: `path`; `limit` for the first rows, none for how many there are; `memory_mb`. Answer, JSON on stdout: `columns` and
`rows`, or `count`; or `error`, a sentence. DuckDB takes 60 MB that the gateway itself need not have, and a file made to
break its reader breaks this process only.
"""

import json
import resource
import sys
from typing import Any

import duckdb

from gateway.samples import _plain


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Do a job."""
    settings: dict[str, Any] = {"threads": 1, "memory_limit": f"{job['memory_mb']}MB", "temp_directory": ""}
    with duckdb.connect(":memory:", config=settings) as connection:
        if job["limit"] is None:
            [(count,)] = connection.execute("SELECT count(*) FROM read_parquet(?)", [job["path"]]).fetchall()
            return {"count": count}
        found = connection.execute("SELECT * FROM read_parquet(?) LIMIT ?", [job["path"], job["limit"]])
        columns = [column[0] for column in found.description or []]
        return {"columns": columns, "rows": [[_plain(cell) for cell in row] for row in found.fetchall()]}


def main() -> None:
    """Read a job, write the answer."""
    job = json.loads(sys.stdin.read())
    space = (job["memory_mb"] + 1500) * 1_000_000  # DuckDB maps about 700 MB of address space before any data
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = run(job)
    except (duckdb.Error, MemoryError, RecursionError) as error:
        answer = {"error": (str(error).splitlines() or ["it is too large"])[0].replace(job["path"], "the file")[:300]}
    json.dump(answer, sys.stdout, allow_nan=False)


if __name__ == "__main__":
    main()
