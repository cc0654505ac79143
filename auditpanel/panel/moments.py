"""Moments in tables of settings, where the minute will do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from auditpanel.panel.formatters import date_words


@dataclass(frozen=True, slots=True)
class ShownMoment:
    words: str
    iso: str


def show_moment(moment: datetime, zone: tzinfo) -> ShownMoment:
    """`Tue 24 Nov 2026, 16:41`, in `zone`; the page says which that is."""
    local = moment.astimezone(zone)
    return ShownMoment(f"{date_words(local.date())}, {local:%H:%M}", local.isoformat(timespec="seconds"))
