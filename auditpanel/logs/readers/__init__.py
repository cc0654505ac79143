"""Logs from files: one module for each format, all of them streaming, so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import IO

from auditpanel.logs.readers import combined, har, ndjson
from auditpanel.logs.readers.records import RefusedLine
from auditpanel.logs.values import NewLog

__all__ = ["Format", "Reader", "RefusedLine", "reader_for"]

# Raises InvalidInput, at the first record asked for, where the file is of another format altogether.
Reader = Callable[[IO[bytes]], Iterator[NewLog | RefusedLine]]


class Format(StrEnum):
    COMBINED = "combined"
    HAR = "har"
    NDJSON = "ndjson"


_READERS: dict[Format, Reader] = {Format.COMBINED: combined.read, Format.HAR: har.read, Format.NDJSON: ndjson.read}


def reader_for(format: Format) -> Reader:
    return _READERS[format]
