"""Lists and records of the catalogue as their templates show them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from flask import url_for

from auditpanel.exports.values import Exported
from auditpanel.filters import Params
from auditpanel.panel.bodies import BodyKind, BodyView, RawText
from auditpanel.panel.catalogue.metadata import MetadataRow
from auditpanel.panel.catalogue.worth import State
from auditpanel.panel.folding import fold
from auditpanel.panel.formatters import moment_words
from auditpanel.panel.json_lines import read_json
from auditpanel.panel.marks import NOTHING_FOUND
from auditpanel.times import day_words, in_zone, iso_utc


@dataclass(frozen=True, slots=True)
class Cell:
    """`url` makes it a link; `iso` a moment; `state` a pill. `label` is the column's title, for narrow screens."""

    text: str = ""
    label: str = ""
    url: str | None = None
    iso: str | None = None
    state: State | None = None
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """The first cell leads to `url`, as the whole row does."""

    url: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """`look` is a class of catalogue.css: how wide, and whether numbers."""

    title: str
    look: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    text: str
    url: str | None = None
    iso: str | None = None
    is_exact: bool = False
    copy: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """What a list is narrowed to: the vouchers of a campaign, the SKUs of a product."""

    words: str
    name: str
    url: str
    all_url: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """`search_words` say what the search looks into. `typed` is what was looked for; `is_cut` where more was found than is shown.

    `state` is what the list is narrowed to, as an export of it takes it.
    """

    title: str
    many: str
    search_words: str
    typed: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    total_text: str
    is_cut: bool
    newer_url: str | None
    older_url: str | None
    new_url: str | None
    new_words: str
    within: Within | None
    zone: str
    exported: Exported
    state: Params


@dataclass(frozen=True, slots=True)
class Related:
    """Records that belong to the one shown. `more_url` leads to all of them."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    more_url: str
    more_words: str
    new_url: str | None
    new_words: str


@dataclass(frozen=True, slots=True)
class Act:
    """A button that changes the record; where `question` is set, after asking. `effect` says what will happen."""

    text: str
    url: str
    question: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True)
class RecordPage:
    kind: str
    back_url: str
    back_words: str
    name: str
    state: State | None
    facts: Sequence[Fact]
    metadata: Sequence[MetadataRow]
    related: Related | None
    json: BodyView
    edit_url: str | None
    acts: Sequence[Act]
    logs_url: str | None
    zone: str


def moment_cell(moment: datetime, zone: tzinfo, label: str = "Created") -> Cell:
    """`24 Nov 2026, 16:41`: the minute will do."""
    local = in_zone(moment, zone)
    return Cell(f"{day_words(local.date())}, {local:%H:%M}", label, iso=local.isoformat(timespec="seconds"))


def moment_fact(label: str, moment: datetime | None, zone: tzinfo, *, missing: str = "") -> Fact:
    if moment is None:
        return Fact(label, missing)
    return Fact(label, moment_words(in_zone(moment, zone)), iso=iso_utc(moment))


def json_view(value: Mapping[str, object]) -> BodyView:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return BodyView(BodyKind.JSON, steps=fold(read_json(text), found=NOTHING_FOUND), raw=RawText(text))


def link_to(view: str, id: str) -> str:
    return url_for(f"{view}.show", record_id=id)
