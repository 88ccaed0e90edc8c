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
    return read_many({product_id: contracts})[product_id]


def read_many(contracts: Mapping[int, Iterable[str]]) -> dict[int, dict[str, Kept]]:
    """As `read`, by product. One round trip. Raises CacheDownError."""
    wanted = {product_id: list(ids) for product_id, ids in contracts.items()}

    def action(conn: redis.Redis) -> list[Any]:
        pipe = conn.pipeline(transaction=False)
        for product_id, ids in wanted.items():
            if ids:
                pipe.hmget(_key(product_id), [_field(contract) for contract in ids])
        return pipe.execute()

    found = iter(cache.client().run(action) if any(wanted.values()) else [])
    return {
        product_id: dict(zip(ids, map(_load, next(found)), strict=True)) if ids else {}
        for product_id, ids in wanted.items()
    }


def write(kept: Mapping[int, Mapping[str, Kept]]) -> None:
    """Replaces these, by product and contract, and starts the time all of a product's are kept anew. One or two round
    trips. Raises CacheDownError."""

    def action(conn: redis.Redis) -> list[Any]:
        pipe = conn.pipeline(transaction=False)
        for product_id, entries in kept.items():
            packed = {_field(contract): _dump(entry) for contract, entry in entries.items()}
            fits: dict[Any, Any] = {name: value for name, value in packed.items() if len(value) <= MAX_BYTES}
            too_large = [name for name in packed if name not in fits]
            if fits:
                pipe.hset(_key(product_id), mapping=fits)
            if too_large:
                pipe.hdel(_key(product_id), *too_large)
            pipe.expire(_key(product_id), KEEP_SECONDS)
        for product_id in kept:
            pipe.hlen(_key(product_id))
        return pipe.execute()[-len(kept) :]

    if not kept:
        return
    counts = zip(kept, cache.client().run(action), strict=True)
    if overfull := [_key(product_id) for product_id, count in counts if count > MAX_CONTRACTS]:
        cache.client().run(lambda conn: conn.delete(*overfull))


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
