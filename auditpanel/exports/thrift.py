"""Thrift's compact protocol, as much of it as the descriptions in a Parquet file take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Wire(IntEnum):
    TRUE = 1
    INT32 = 5
    INT64 = 6
    BINARY = 8
    LIST = 9
    STRUCT = 12


@dataclass(frozen=True, slots=True)
class Encoded:
    wire: Wire
    data: bytes


TRUE = Encoded(Wire.TRUE, b"")


def int32(value: int) -> Encoded:
    return Encoded(Wire.INT32, _zigzag(value))


def int64(value: int) -> Encoded:
    return Encoded(Wire.INT64, _zigzag(value))


def binary(value: bytes) -> Encoded:
    return Encoded(Wire.BINARY, varint(len(value)) + value)


def list_of(wire: Wire, items: Sequence[Encoded]) -> Encoded:
    count = len(items)
    head = bytes([count << 4 | wire]) if count < 15 else bytes([0xF0 | wire]) + varint(count)
    return Encoded(Wire.LIST, head + b"".join(item.data for item in items))


def struct(fields: Mapping[int, Encoded | None]) -> Encoded:
    """By their numbers, ascending, each at most 15 above the one before. Those that are None are left out."""
    parts, last = [], 0
    for number, value in fields.items():
        if value is not None:
            parts += [bytes([number - last << 4 | value.wire]), value.data]
            last = number
    return Encoded(Wire.STRUCT, b"".join(parts) + b"\0")


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that there are more."""
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def _zigzag(value: int) -> bytes:
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)
