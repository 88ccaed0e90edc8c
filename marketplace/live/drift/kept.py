"""The contracts as last noticed, in Redis and nowhere else, so that a later one can be compared with them.

All of it may be lost at any time: then it is known that a contract changed, and not what.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import redis
from pydantic import ValidationError

from .. import cache
from ..view import ContractView, from_json, to_json

KEEP_SECONDS = 7 * 24 * 3600
MAX_BYTES = 512 * 1024  # of one contract with its versions, packed
MAX_CONTRACTS = 400  # of one product; ids that change all the time would fill Redis


@dataclass(frozen=True, slots=True)
class Kept:
    """A contract's versions as last noticed; how it was `before` the last change, at `before_at` (epoch seconds)."""

    versions: dict[str, ContractView] = field(default_factory=dict)
    before: ContractView | None = None
    before_at: float | None = None


def read(product_id: int, contracts: Iterable[str]) -> dict[str, Kept]:
    """By contract id; empty ones where nothing is kept. One round trip. Raises CacheDownError."""
    wanted = list(contracts)
    if not wanted:
        return {}
    names = [_field(contract) for contract in wanted]
    found: list[Any] = cache.client().run(lambda conn: conn.hmget(_key(product_id), names))
    return {contract: _load(packed) for contract, packed in zip(wanted, found, strict=True)}


def write(product_id: int, kept: Mapping[str, Kept]) -> None:
    """Replaces these, and starts the time all are kept anew. One or two round trips. Raises CacheDownError."""
    packed = {_field(contract): _dump(entry) for contract, entry in kept.items()}
    fits: dict[Any, Any] = {name: value for name, value in packed.items() if len(value) <= MAX_BYTES}
    too_large = [name for name in packed if name not in fits]

    def action(conn: redis.Redis) -> list[Any]:
        pipe = conn.pipeline(transaction=False)
        if fits:
            pipe.hset(_key(product_id), mapping=fits)
        if too_large:
            pipe.hdel(_key(product_id), *too_large)
        pipe.expire(_key(product_id), KEEP_SECONDS)
        pipe.hlen(_key(product_id))
        return pipe.execute()

    if cache.client().run(action)[-1] > MAX_CONTRACTS:
        cache.client().run(lambda conn: conn.delete(_key(product_id)))


def _key(product_id: int) -> str:
    return f"{cache.PREFIX}drift:{product_id}"


def _field(contract: str) -> str:
    return hashlib.sha256(contract.encode(errors="surrogatepass")).hexdigest()[:24]


def _dump(kept: Kept) -> bytes:
    data = {
        "versions": {version: to_json(view).decode() for version, view in kept.versions.items()},
        "before": to_json(kept.before).decode() if kept.before else None,
        "before_at": kept.before_at,
    }
    return zlib.compress(json.dumps(data).encode(), 3)


def _load(packed: bytes | None) -> Kept:
    if packed is None:
        return Kept()
    try:
        data = json.loads(zlib.decompress(packed))
        versions = {version: from_json(ContractView, text) for version, text in data["versions"].items()}
        before = from_json(ContractView, data["before"]) if data["before"] else None
        return Kept(versions, before, data["before_at"])
    except (ValueError, KeyError, TypeError, zlib.error, ValidationError):
        return Kept()  # written by another version of this program
