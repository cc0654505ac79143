"""What answers of every kind have."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Json = dict[str, object]


class Shape(Struct, kw_only=True, forbid_unknown_fields=True):
    pass


class Error(Shape):
    code: int
    key: str
    message: str
    details: str
    request_id: str


class Started(Shape):
    """A background task; `/v1/async-actions/{async_action_id}` tells how far it is."""

    async_action_id: str


class Listed(Shape):
    """`total` is exact, or, where `total_is_exact` is false, there are at least so many: to count them took too long."""

    object: Literal["list"]
    data_ref: str
    total: int
    total_is_exact: bool
