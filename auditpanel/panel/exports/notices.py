"""Word to who has asked for an export, on whichever page of the project they are, that it is ready or has failed.

The login's cookie says since when something is awaited and up to when it was seen, so that a page asks the database nothing for those who
await nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import session as cookie
from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.exports.filters import EXPORT_FIELDS
from auditpanel.exports.queries import list_exports
from auditpanel.exports.records import ExportLine
from auditpanel.filters import FilterSet, Span
from auditpanel.panel.exports.showing import ready_words, shown_error

COOKIE = "exports"
LOOKED_AT = 20
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Notice:
    title: str
    words: str
    url: str
    link: str
    is_bad: bool


@dataclass(frozen=True, slots=True)
class Notices:
    """`waits`: something of theirs still runs."""

    notices: list[Notice]
    waits: bool


def await_export(scope: ProjectScope, now: datetime) -> None:
    """From now on, pages look out for it."""
    awaited = _awaited()
    since = awaited.get(scope.id, (now.isoformat(),))[0]
    cookie[COOKIE] = awaited | {scope.id: [since, now.isoformat()]}


def note_seen(scope: ProjectScope, now: datetime) -> None:
    """Whatever has ended up to now needs no word any more."""
    awaited = _awaited()
    if scope.id in awaited:
        cookie[COOKIE] = awaited | {scope.id: [awaited[scope.id][0], now.isoformat()]}


def awaited_notices(session: Session, scope: ProjectScope, email: str) -> Notices | None:
    """None where nothing is awaited, and from then on."""
    awaited = _awaited()
    if scope.id not in awaited:
        return None
    since, seen = (datetime.fromisoformat(text) for text in awaited[scope.id])
    mine = FilterSet.parse([("who", email), ("range", "all")], EXPORT_FIELDS)
    lines = list_exports(session, scope, mine, Span(since, None), size=LOOKED_AT).lines
    told = [line for line in lines if line.finished_at and line.finished_at > seen and line.deleted_at is None]
    waits = any(not line.is_ended for line in lines)
    if not waits and not told:
        cookie[COOKIE] = {name: moments for name, moments in awaited.items() if name != scope.id}
        return None
    return Notices([_notice(line) for line in told[:SHOWN]], waits)


def _notice(line: ExportLine) -> Notice:
    url = url_for("exports.show", export_id=line.id)
    if line.is_ready:
        return Notice("Your export is ready.", f"{ready_words(line)}.", url, "Open it", is_bad=False)
    return Notice("Your export has failed.", f"{line.exported.label}: {shown_error(line)}", url, "Show it", is_bad=True)


def _awaited() -> dict[str, list[str]]:
    return dict(cookie.get(COOKIE, {}))
