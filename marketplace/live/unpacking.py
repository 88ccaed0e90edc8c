"""Bodies that come packed and in pieces, unpacked as they come and never to more than was wanted."""

from __future__ import annotations

import zlib


class WireError(Exception):
    """The exchange ended without an answer."""


class PackingError(WireError):
    """The body is not packed as its Content-Encoding says, or in a way that was not offered."""


class TooLargeError(WireError):
    """The body is larger than wanted, packed or unpacked."""


class Unpacker:
    """Unpacks a body that comes in pieces, at most to `max_bytes` in all."""

    def __init__(self, coding: str, max_bytes: int) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._left = max_bytes
        # Some servers leave the zlib header of two bytes out.
        self._head = b"" if coding == "deflate" else None

    @property
    def is_whole(self) -> bool:
        """Whether the end was seen: half a document must not pass for one."""
        return self._inflate.eof

    def __call__(self, data: bytes) -> bytes:
        """What these bytes unpack to. Raises PackingError, TooLargeError."""
        if self._inflate.eof:  # zlib would copy all that follows together, again for each piece
            return b""
        if self._head is not None:
            self._head += data
            if len(self._head) < 2:
                return b""
            if not _is_zlib(self._head):
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            data, self._head = self._head, None
        try:
            found = self._inflate.decompress(data, self._left + 1)
        except zlib.error as exc:
            raise PackingError from exc
        self._left -= len(found)
        if self._left < 0:
            raise TooLargeError
        return found


def unpacker(encoding: str, max_bytes: int) -> Unpacker | None:
    """What unpacks a body of this Content-Encoding; None where it is not packed.

    Raises PackingError for what was not offered: gzip and deflate were, once.
    """
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return None
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise PackingError
    return Unpacker(coding, max_bytes)


def _is_zlib(head: bytes) -> bool:
    """By the header of RFC 1950, section 2.2."""
    return head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0
