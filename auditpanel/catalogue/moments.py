from __future__ import annotations

from datetime import datetime

from auditpanel.times import iso_milliseconds


def iso_moment(moment: datetime | None) -> str | None:
    return iso_milliseconds(moment) if moment else None
