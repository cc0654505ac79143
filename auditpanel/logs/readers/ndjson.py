"""NDJSON: on each line one log, as an item of `POST /v1/logs`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from msgspec.structs import replace

from auditpanel.errors import InvalidInput
from auditpanel.logs.decoding import decode_log
from auditpanel.logs.readers.identity import RecordIds
from auditpanel.logs.readers.records import RefusedLine, refuse_other_formats
from auditpanel.logs.readers.unpacking import read_lines
from auditpanel.logs.values import NewLog


def read(stream: IO[bytes]) -> Iterator[NewLog | RefusedLine]:
    """The logs; a line without an `id` gets one from its bytes (see RecordIds). Raises InvalidInput where nothing is such a line."""
    return refuse_other_formats(_read(stream), "NDJSON with a log on each line")


def _read(stream: IO[bytes]) -> Iterator[NewLog | RefusedLine]:
    ids = RecordIds()
    for item in read_lines(stream):
        if isinstance(item, RefusedLine):
            yield item
            continue
        number, line = item
        try:
            log = decode_log(line)
        except InvalidInput as error:
            yield RefusedLine(number, error.details)
        else:
            yield log if log.id else replace(log, id=ids.id_of(line))
