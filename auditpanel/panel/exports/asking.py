"""What is asked before something is exported: which rows, by the filters of a list, and how the file is to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from flask import request, url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.answers import request_id
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.exports.store import NewExport, request_export
from auditpanel.exports.subjects import SUBJECTS, Subject
from auditpanel.exports.values import Exported, Layout
from auditpanel.filters import FilterSet, Params, Range
from auditpanel.keyset import COUNT_CAP, Count
from auditpanel.logs.values import Origin
from auditpanel.panel.exports.choices import Choices
from auditpanel.panel.formatters import count_text
from auditpanel.panel.list_controls import Chip
from auditpanel.panel.list_page import count_words
from auditpanel.panel.login import logged_in
from auditpanel.panel.sendouts.listing import sendout_fields
from auditpanel.tasks.values import Asker

VIEWS = {
    Exported.LOG: "logs",
    Exported.TASK: "tasks",
    Exported.EXPORT: "exports",
    Exported.SENDOUT: "sendouts",
    Exported.CAMPAIGN: "campaigns",
    Exported.VOUCHER: "vouchers",
    Exported.CUSTOMER: "customers",
    Exported.PRODUCT: "products",
    Exported.SKU: "skus",
}
# Of a list's state, what says nothing of its rows.
NO_FILTERS = ("times", "before", "after")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for. `state` are its pairs without the kind: those of the list that the reader came from."""

    subject: Subject
    filters: FilterSet
    state: Params

    @property
    def exported(self) -> Exported:
        return self.subject.exported

    @property
    def query(self) -> str:
        return urlencode(self.state)

    @property
    def list_url(self) -> str:
        return f"{url_for(f'{VIEWS[self.exported]}.index')}{'?' if self.state else ''}{self.query}"


@dataclass(frozen=True, slots=True)
class NewExportPage:
    """`count_text` is that of the rows there are now, None where there was no time to count them. `errors` are by field."""

    label: str
    chips: list[Chip]
    choices: Choices
    example: str
    count_text: str | None
    is_empty: bool
    action: str
    schedule_url: str
    back_url: str
    may_schedule: bool
    errors: Mapping[str, str]

    @property
    def button(self) -> str:
        return "Export the rows" if self.count_text is None else f"Export {self.count_text} row{'' if self.count_text == '1' else 's'}"

    @property
    def expected(self) -> str:
        if self.count_text is None:
            return "Not counted in time."
        if self.is_empty:
            return "No row matches now: the file would have none."
        return f"{self.count_text} row{'' if self.count_text == '1' else 's'} expected. More may come while it runs."


@dataclass(frozen=True, slots=True)
class Kind:
    """Something to export, where nothing is chosen yet."""

    label: str
    words: str
    url: str
    list_url: str


def kinds() -> list[Kind]:
    return [_kind(subject) for subject in SUBJECTS.values()]


def _kind(subject: Subject) -> Kind:
    words = "the last 24 hours" if subject.default_range is Range.DAY else "all"
    return Kind(subject.exported.label, words, new_url(subject.exported, ""), url_for(f"{VIEWS[subject.exported]}.index"))


def new_url(exported: Exported, query: str, *, page: str = "exports.new") -> str:
    """The list of exports has a filter of the same name, so the kind stands first."""
    return f"{url_for(page, exported=exported)}{'&' if query else ''}{query}"


def read_wanted(session: Session, scope: ProjectScope, pairs: Params) -> Wanted:
    """The first `exported` is the kind; all else is the state of its list. Raises NotFound, and InvalidInput for a filter that is none."""
    kind = next((value for name, value in pairs if name == "exported"), "")
    if kind not in list(Exported):
        raise NotFound(f'"{kind[:60]}" is nothing that can be exported; there are {", ".join(Exported)}.')
    rest = list(pairs)
    rest.remove(("exported", kind))
    return wanted(session, scope, Exported(kind), rest)


def wanted(session: Session, scope: ProjectScope, exported: Exported, state: Params) -> Wanted:
    """Raises InvalidInput."""
    subject = SUBJECTS[exported]
    if exported is Exported.SENDOUT:
        # With the names of the webhooks, which stay with the export.
        subject = replace(subject, fields=sendout_fields(session, scope))
    return Wanted(subject, subject.read_filters([pair for pair in state if pair[0] not in NO_FILTERS]), state)


def build_new(session: Session, scope: ProjectScope, asked: Wanted, choices: Choices, now: datetime, **errors: str) -> NewExportPage:
    expected = _expected(session, scope, asked, now)
    return NewExportPage(
        label=asked.exported.label,
        chips=list(chips_of(asked, scope)),
        choices=choices,
        example=choices.example(now),
        count_text=count_words(expected) if expected.value else count_text(0) if expected.is_exact else None,
        is_empty=expected.is_exact and not expected.value,
        action=new_url(asked.exported, asked.query),
        schedule_url=new_url(asked.exported, asked.query, page="exports.new_schedule"),
        back_url=asked.list_url,
        may_schedule=scope.role.includes(Role.OPERATOR),
        errors=errors,
    )


def chips_of(asked: Wanted, scope: ProjectScope) -> Iterator[Chip]:
    chosen = asked.filters.range
    if asked.subject.default_range is not Range.ALL or chosen.kind is not Range.ALL:
        zone = f", {scope.time_zone.key}" if chosen.kind is Range.CUSTOM else ""
        yield Chip("range", "Created", (f"{chosen.words}{zone}",), "or", "")
    for condition in asked.filters.conditions:
        words = condition.value_words
        if not condition.field.phrase:
            words = tuple(word[:1].upper() + word[1:] for word in words)
        yield Chip(condition.field.name, condition.field.phrase, words, "or", "")


def ask_for_export(session: Session, scope: ProjectScope, asked: Wanted, layout: Layout, now: datetime) -> UUID:
    """The caller commits, and enqueues. Raises InvalidInput as `request_export`, and for a typed date that cannot be read."""
    new = NewExport(asked.exported, asked.filters, asked.filters.range.resolve(now, scope.time_zone), layout, {})
    return request_export(session, scope, new, asker=asker(), now=now)


def asker() -> Asker:
    return Asker(request_id(), Origin.DASHBOARD, user=logged_in().email)


def given_pairs() -> list[tuple[str, str]]:
    return list(request.args.items(multi=True))


def _expected(session: Session, scope: ProjectScope, asked: Wanted, now: datetime) -> Count:
    span = asked.filters.range.resolve(now, scope.time_zone)
    return asked.subject.count(session, scope, asked.filters, span, cap=COUNT_CAP)


def by_field(error: InvalidInput) -> dict[str, str]:
    """As `build_new` takes them: under what the form calls the field, else above all."""
    return {error.field or "form": f"{error.reason[:1].upper()}{error.reason[1:]}."}
