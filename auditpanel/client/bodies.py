"""Bodies as they stream past: the first part kept, the whole counted, made readable at the end."""

from __future__ import annotations

import codecs
import zlib
from dataclasses import dataclass

# zlib's way of saying "with gzip's header and checksum".
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class BodyText:
    """`text` is None where nothing was kept; `size_bytes` is that of the whole body, None where there was none."""

    text: str | None
    size_bytes: int | None


class BodyCopy:
    """The first `limit_bytes` of a body and the size of all of it."""

    __slots__ = ("_kept", "_limit_bytes", "size_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept = bytearray()
        self.size_bytes = 0

    def add(self, chunk: bytes | bytearray | memoryview) -> None:
        self.size_bytes += len(chunk)
        room = self._limit_bytes - len(self._kept)
        if room > 0:
            self._kept += chunk[:room]

    def read(self, *, encoding: str | None, declared_size_bytes: int = 0) -> BodyText:
        """`encoding` is the content-encoding. `declared_size_bytes` counts where the service did not read all that was sent."""
        size_bytes = max(self.size_bytes, declared_size_bytes)
        if not self._kept:
            return BodyText(None, size_bytes or None)
        content, is_whole = bytes(self._kept), len(self._kept) == size_bytes
        if is_whole and encoding is not None and encoding.strip().lower() == "gzip":
            # What does not unpack within the limit stays packed: the size of the whole would be unknown.
            content = _unpacked(content, self._limit_bytes) or content
            size_bytes = len(content)
        return BodyText(readable(content, is_whole=is_whole), size_bytes)


def readable(content: bytes, *, is_whole: bool = True) -> str:
    r"""Text as it is; bytes that are no UTF-8, and NUL, which PostgreSQL does not take, as \x89. A character cut in two is left out."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    return decoder.decode(content, final=is_whole).replace("\0", "\\x00")


def _unpacked(packed: bytes, limit_bytes: int) -> bytes | None:
    gzip = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = gzip.decompress(packed, limit_bytes)
    except zlib.error:
        return None
    return content if gzip.eof else None
