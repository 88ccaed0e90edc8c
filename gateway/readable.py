"""Whether a data file can be read as its format: a look that costs little, because health is asked for by anybody."""

from functools import lru_cache
from pathlib import Path

from gateway.documents import Stamp, stamp
from gateway.samples import FORMATS, DataError, first_rows

MAX_PARSED = 1_000_000
"""Bytes up to which JSON is parsed as a whole; of a larger file only the beginning is looked at."""
_PARQUET = b"PAR1"


def fault_of(path: Path, file_format: str | None) -> str | None:
    """What keeps a file from being read, for people; None when nothing does. Blocking.

    The file is opened each time; what is in it is looked at once for each state of it (time, size, inode).
    """
    try:
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        return f"{path.name} does not exist"
    except (OSError, ValueError) as error:
        return f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}"
    return _content_fault(path, file_format or "", stamp(path))


@lru_cache(2000)
def _content_fault(path: Path, file_format: str, seen: Stamp | None) -> str | None:
    try:
        if file_format == "parquet":
            return _parquet_fault(path)
        if file_format in ("json", "geojson") and path.stat().st_size > MAX_PARSED:
            return _json_fault(path)
        if file_format in FORMATS:
            first_rows(path, file_format, 1)
    except DataError as error:
        return str(error)
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror}"
    return None


def _parquet_fault(path: Path) -> str | None:
    """Parquet begins and ends with `PAR1` (Apache Parquet, file format); no more is looked at."""
    with path.open("rb") as file:
        begin = file.read(4)
        size = file.seek(0, 2)
        file.seek(max(0, size - 4))
        end = file.read(4)
    if size < 12 or begin != _PARQUET or end != _PARQUET:
        return f"{path.name} is not readable as Parquet: it does not begin and end as Parquet does"
    return None


def _json_fault(path: Path) -> str | None:
    with path.open("rb") as file:
        begin = file.read(65536).removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if not begin.startswith((b"[", b"{")):
        return f"{path.name} is not what its format says: it does not begin as JSON rows do"
    return None
