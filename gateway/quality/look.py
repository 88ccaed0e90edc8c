"""The process that looks whether a source can be reached: `python -m gateway.quality.look`, JSON in and out.

Job: `source`, `seconds`. Answer: `fault` (a sentence without addresses, or null) and `updated` (POSIX seconds, or
null). It reads a folder's names and one file of it, the head of an HTTP answer, no row of a database.
"""

import json
import os
import sys
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from gateway import databases
from gateway.readable import fault_of
from gateway.samples import DataError, format_of
from gateway.sources import Source, files_of


def look(source: Source, seconds: float) -> dict[str, Any]:
    """Whether a source can be reached now."""
    try:
        seen = _LOOKS[source.type](source, seconds)
    except DataError as error:
        return {"fault": str(error), "updated": None}
    return {"fault": None, "updated": seen.timestamp() if seen else None}


def _folder(source: Source, seconds: float) -> datetime | None:
    paths = files_of(source)
    if not paths:
        raise DataError("the folder holds no such files")
    fault = fault_of(paths[0], format_of(paths[0], source.format))
    if fault:
        raise DataError(fault)
    return datetime.fromtimestamp(max(path.stat().st_mtime for path in paths)).astimezone()


def _http(source: Source, seconds: float) -> datetime | None:
    import httpx2

    try:
        with httpx2.stream("GET", source.url or "", timeout=seconds, follow_redirects=False) as answer:
            if answer.status_code != 200:
                raise DataError(f"its source answers {answer.status_code}")
            try:
                return parsedate_to_datetime(answer.headers.get("last-modified", ""))
            except ValueError:
                return None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise DataError("its source does not answer") from error


_LOOKS = {"folder": _folder, "http": _http, "sql": databases.look}


if __name__ == "__main__":
    work = json.loads(sys.stdin.read())
    os.nice(5)
    sys.stdout.write(json.dumps(look(Source.from_dict(work["source"]), work["seconds"])))
