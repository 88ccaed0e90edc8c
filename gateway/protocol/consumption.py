"""Queries, folders, orders, and rows at the door."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from gateway.protocol.base import Linked, Wire


class Query(Wire):
    """`POST /consume/{artifact}/query`: one SELECT over the artifact, which is the table `data`."""

    sql: str = Field(min_length=1, max_length=20_000)
    limit: int | None = Field(default=None, ge=1)
    format: Literal["json", "csv"] = "json"


class QueryResult(Wire):
    """The answer to a query as JSON: each row one cell for each column; `truncated` when a limit cut it off."""

    columns: list[str] = Field(default_factory=list)
    types: list[str] = Field(default_factory=list)
    rows: list[list[Any]] = Field(default_factory=list)
    row_count: int = 0
    truncated: bool = False
    elapsed_ms: float = 0


class FolderFile(Wire):
    """One file of an artifact that is a folder."""

    name: str
    href: str
    bytes: int
    updated: datetime


class FolderListing(Wire):
    """`GET /consume/{artifact}` of an artifact that is a folder; `?file=` gives one of them."""

    artifact_id: str
    files: list[FolderFile] = Field(default_factory=list)
    has_more: bool = False


class OrderRequest(Wire):
    """`POST /consume/{artifact}/orders`: all rows, or those of a query."""

    sql: str | None = Field(default=None, min_length=1, max_length=20_000)
    format: Literal["csv", "jsonl", "parquet"] = "csv"


class Order(Linked):
    """An asynchronous order. Link relations: `self`, and `result` once it is ready."""

    id: str
    artifact_id: str
    status: Literal["accepted", "running", "ready", "failed", "cancelled", "expired"]
    format: str
    created: datetime
    updated: datetime
    expires: datetime | None = None
    rows: int | None = None
    """Rows written so far; all of them once ready."""
    bytes: int | None = None
    detail: str | None = None
    """Why it failed."""


class RefusedRow(Wire):
    """A row that the contract does not allow, counted from 1, and each reason."""

    row: int
    reasons: list[str] = Field(default_factory=list)


class IngestResult(Wire):
    """`POST /ingest/{artifact}`: how many rows were taken; of the refused, the first 100 with reasons."""

    accepted: int = 0
    refused: int = 0
    rows: list[RefusedRow] = Field(default_factory=list)
