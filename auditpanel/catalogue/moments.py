from __future__ import annotations

from datetime import UTC, datetime


def iso_moment(moment: datetime | None) -> str | None:
    """As the public API writes it, to the millisecond: `2026-11-25T00:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
