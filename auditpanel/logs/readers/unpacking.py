"""Bytes and lines of a file, unpacked where it is gzip'd."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from auditpanel.logs.readers.records import RefusedLine

LINE_LIMIT_BYTES = 16 * 1024 * 1024
BUFFER_BYTES = 256 * 1024
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@contextmanager
def unpacked(stream: IO[bytes]) -> Iterator[io.BufferedReader]:
    """The stream's bytes, unpacked, without a byte order mark. Reading on raises one of DAMAGED where gzip'd bytes break off.

    The stream itself stays open: it is its opener's to close.
    """
    outer = _buffered(stream)
    try:
        reader = _buffered(gzip.GzipFile(fileobj=outer)) if outer.peek(2).startswith(_GZIP_MAGIC) else outer
        if reader.peek(3).startswith(_BYTE_ORDER_MARK):
            reader.read(3)
        yield reader
    finally:
        outer.detach()


def _buffered(stream: IO[bytes] | gzip.GzipFile) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, stream), BUFFER_BYTES)


def read_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes] | RefusedLine]:
    """Lines that are not blank, with their numbers from 1, without their ends; at most LINE_LIMIT_BYTES of one are ever held."""
    number = 0
    try:
        with unpacked(stream) as reader:
            while line := reader.readline(LINE_LIMIT_BYTES + 1):
                number += 1
                if len(line) > LINE_LIMIT_BYTES and not line.endswith(b"\n"):
                    _skip_to_next_line(reader)
                    yield RefusedLine(number, f"is longer than {LINE_LIMIT_BYTES // 1024**2} MiB")
                elif stripped := line.rstrip():
                    yield number, stripped
    except DAMAGED as error:
        yield RefusedLine(number + 1, damage(error))


def damage(error: Exception) -> str:
    return f"from here on the gzip'd file is damaged or cut off ({error}); what came before was read"


def _skip_to_next_line(reader: io.BufferedReader) -> None:
    while (piece := reader.readline(BUFFER_BYTES)) and not piece.endswith(b"\n"):
        pass
