"""The list of exports as its template shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.projects import get_project
from auditpanel.accounts.scope import ProjectScope
from auditpanel.exports.filters import EXPORT_FIELDS
from auditpanel.exports.queries import count_exports, count_shares, list_exports
from auditpanel.exports.records import ExportLine, ExportPage, Shares
from auditpanel.filters import Params
from auditpanel.ids import Prefix
from auditpanel.keyset import Count
from auditpanel.panel.exports.showing import ExportRow, export_row
from auditpanel.panel.formatters import count_text
from auditpanel.panel.list_controls import Asked, Choice, ListUrls, read_asked
from auditpanel.panel.list_page import PAGE_SIZE, Empty, Listing, ListPage, count_words, days_of, empty_title, record_urls
from auditpanel.panel.tasks.showing import counted

ONLY = EXPORT_FIELDS["only"]
NOTHING = Shares(0, 0, 0, 0, is_exact=True)


@dataclass(frozen=True, kw_only=True)
class ExportListPage(ListPage[ExportLine, ExportRow]):
    """`is_running`: something on it moves by itself. `kept` says for how long a file is."""

    is_running: bool
    kept: str


def read_request(pairs: Params) -> Asked:
    return read_asked(pairs, EXPORT_FIELDS)


def build_list(session: Session, scope: ProjectScope, asked: Asked, now: datetime) -> ExportListPage:
    listing = Listing.of(asked, EXPORT_FIELDS, scope, url_for("exports.index"), now)
    found, shares, total = ExportPage([], has_more=False), NOTHING, Count(0, is_exact=True)
    if not listing.is_refused:
        found = list_exports(session, scope, listing.filters, listing.span, place=listing.place, size=PAGE_SIZE)
        shares = count_shares(session, scope, listing.filters, listing.span)
        total = _total(session, scope, listing, shares)
    url_of = record_urls(listing.urls, url_for("exports.show", export_id=Prefix.EXPORT), Prefix.EXPORT)
    return ExportListPage(
        listing=listing,
        found=found,
        days=days_of(listing, found.lines, lambda line: export_row(line, listing.zone, url=url_of(line.id))),
        switch=_switch(listing.urls, shares),
        total_text=count_words(total),
        empty=None if found.lines or listing.is_refused else _empty(listing),
        is_running=any(not line.is_ended for line in found.lines),
        kept=f"A file is kept for {counted(get_project(session, scope.project_id).export_days, 'day')}",
    )


def _total(session: Session, scope: ProjectScope, listing: Listing, shares: Shares) -> Count:
    by_choice = {"running": shares.running, "ready": shares.ready, "failed": shares.failed}
    if not shares.is_exact:
        return count_exports(session, scope, listing.filters, listing.span)
    return Count(next((by_choice[value] for value in listing.filters.values(ONLY.name)), shares.all), is_exact=True)


def _switch(urls: ListUrls, shares: Shares) -> list[Choice]:
    chosen = next(iter(urls.filters.values(ONLY.name)), "")
    more = "" if shares.is_exact else "+"
    choices = (("", "All", shares.all), ("running", "Running", shares.running), ("ready", "Ready", shares.ready))
    return [
        Choice(
            label,
            urls.to(urls.filters.with_condition(ONLY, value) if value else urls.filters.without(ONLY.name)),
            chosen == value,
            value,
            count_text=f"{count_text(count)}{more}",
            look="bad" if value == "failed" and count else "faint",
        )
        for value, label, count in (*choices, ("failed", "Error", shares.failed))
    ]


def _empty(listing: Listing) -> Empty:
    everything = listing.everything
    shows_all = listing.filters.params == everything.params
    return Empty(empty_title(listing.filters, one="export", many="exports"), None if shows_all else listing.urls.to(everything))
