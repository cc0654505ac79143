"""The rows of a ready export as pages, and one row whole, without a download."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from flask import url_for

from auditpanel.errors import InvalidInput
from auditpanel.exports.browsing import BUDGET_S, FileRow, Leaf, NotReached, read_leaf, read_row
from auditpanel.exports.files import Files
from auditpanel.exports.records import ExportRecord
from auditpanel.exports.stored_rows import Mark
from auditpanel.logs.values import Message
from auditpanel.panel.bodies import BodyView, format_size, view_body
from auditpanel.panel.exports.showing import ready_words
from auditpanel.panel.exports.trail import Trail
from auditpanel.panel.formatters import count_text
from auditpanel.panel.marks import write_unseen

ROWS = 50
TEXT_CHARACTERS = 200
# Each row of a page has an address: those are to stay short.
TRAIL_OF_ROW = 2
NO_TRAIL = Trail()
# A value that is longer gets a box of its own on the page of its row.
FACT_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Cell:
    """`is_none` tells a value that is not there from an empty text."""

    text: str
    is_none: bool


@dataclass(frozen=True, slots=True)
class BrowsedRow:
    number: str
    url: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: where a page begins, from where it is looked for, and a text that its rows have to have.

    `trail` is how one came here, with the mark.
    """

    first: int
    mark: Mark
    text: str
    trail: Trail

    @classmethod
    def read(cls, args: dict[str, str]) -> Asked:
        """Raises InvalidInput."""
        mark = Mark.read(args["at"]) if args.get("at") else Mark()
        number = args.get("row", "").replace(",", "").strip()
        if number and not (number.isascii() and number.isdigit() and 0 < len(number) < 13):
            raise InvalidInput(f'"{number[:20]}" is not the number of a row; write one, like 1', field="row")
        first = max(1, int(number)) if number else mark.number
        trail = Trail.read(args.get("trail", "")).with_mark(mark)
        # What lies before the mark is only found from one before it.
        return cls(first, trail.nearest(first), args.get("text", "").strip()[:TEXT_CHARACTERS], trail)


@dataclass(frozen=True, slots=True)
class BrowsePage:
    """`late_words` is there where the budget of time has ended the search; `next_url` goes on then."""

    id: str
    title: str
    back_url: str
    download_url: str
    columns: tuple[str, ...]
    rows: list[BrowsedRow]
    text: str
    shown: str
    total: str
    first: int
    previous_url: str | None
    next_url: str | None
    late_words: str
    empty_words: str


@dataclass(frozen=True, slots=True)
class ValueView:
    """`body` is there where the value is JSON or long."""

    name: str
    id: str
    text: str
    is_none: bool
    size: str
    body: BodyView | None


@dataclass(frozen=True, slots=True)
class RowPage:
    id: str
    title: str
    number: str
    total: str
    back_url: str
    newer_url: str | None
    older_url: str | None
    values: list[ValueView]

    @property
    def short(self) -> list[ValueView]:
        return [value for value in self.values if value.body is None]

    @property
    def long(self) -> list[ValueView]:
        return [value for value in self.values if value.body is not None]


def build_page(record: ExportRecord, files: Files, asked: Asked) -> BrowsePage:
    """Raises NotFound where there is no file."""
    assert record.file is not None
    with files.open(record.file) as file:
        leaf = read_leaf(file, record, asked.mark, first=asked.first, size=ROWS, text=asked.text)
    return _page(record, asked, leaf)


def _page(record: ExportRecord, asked: Asked, leaf: Leaf, *, on: str = "exports.browse") -> BrowsePage:
    """`on` is where one goes on."""
    total = count_text(record.line.rows_done)
    trail = asked.trail.with_mark(leaf.rows[0].mark) if leaf.rows and not asked.text else asked.trail
    return BrowsePage(
        id=record.line.id,
        title=ready_words(record.line),
        back_url=url_for("exports.show", export_id=record.line.id),
        download_url=url_for("exports.download", export_id=record.line.id),
        columns=record.layout.fields,
        rows=[_row(record, row, asked.text, trail) for row in leaf.rows],
        text=asked.text,
        shown=_shown(leaf),
        total=total,
        first=asked.first,
        previous_url=_way_back(record, max(1, asked.first - ROWS), asked.trail) if asked.first > 1 and not asked.text else None,
        next_url=_url(record, max(asked.first, leaf.next.number), leaf.next, asked.text, trail=trail, page=on) if leaf.next else None,
        late_words=_late_words(leaf, asked, record),
        empty_words=_empty_words(leaf, asked, total),
    )


def build_row(record: ExportRecord, files: Files, asked: Asked, *, budget_s: float = BUDGET_S) -> RowPage | BrowsePage:
    """A page without rows where it takes too long to get there at once: one goes on from it. Raises NotFound where there is no such row."""
    assert record.file is not None
    try:
        with files.open(record.file) as file:
            row = read_row(file, record, asked.mark, asked.first, budget_s=budget_s)
    except NotReached as far:
        return _page(record, replace(asked, text=""), Leaf([], far.mark, is_late=True), on="exports.row")
    trail = asked.trail.with_mark(row.mark).newest(TRAIL_OF_ROW)
    number, last = row.mark.number, record.line.rows_done
    return RowPage(
        id=record.line.id,
        title=ready_words(record.line),
        number=count_text(number),
        total=count_text(last),
        back_url=_url(record, number, row.mark, asked.text, trail=asked.trail),
        newer_url=_way_back(record, number - 1, asked.trail, page="exports.row") if number > 1 else None,
        older_url=_url(record, number + 1, row.mark, trail=trail, page="exports.row") if number < last else None,
        values=list(_values(record, row, asked.text)),
    )


def _way_back(record: ExportRecord, number: int, trail: Trail, *, page: str = "exports.browse") -> str:
    mark = trail.nearest(number)
    return _url(record, number, mark, trail=trail.before(mark.number), page=page)


def _url(record: ExportRecord, number: int, mark: Mark, text: str = "", *, trail: Trail = NO_TRAIL, page: str = "exports.browse") -> str:
    pairs = {"row": str(number), "at": mark.text, "text": text, "trail": trail.before(mark.number).text}
    return f"{url_for(page, export_id=record.line.id)}?{urlencode({name: value for name, value in pairs.items() if value})}"


def _row(record: ExportRecord, row: FileRow, text: str, trail: Trail) -> BrowsedRow:
    way = trail.before(row.mark.number).newest(TRAIL_OF_ROW)
    url = _url(record, row.mark.number, row.mark, text, trail=way, page="exports.row")
    return BrowsedRow(count_text(row.mark.number), url, [Cell(write_unseen(cell or ""), cell is None) for cell in row.cells])


def _shown(leaf: Leaf) -> str:
    if not leaf.rows:
        return "0"
    first, last = leaf.rows[0].mark.number, leaf.rows[-1].mark.number
    return count_text(first) if first == last else f"{count_text(first)} to {count_text(last)}"


def _late_words(leaf: Leaf, asked: Asked, record: ExportRecord) -> str:
    if not leaf.is_late or leaf.next is None:
        return ""
    if leaf.next == asked.mark:
        return "This place of a packed file takes too long to get to. Download the file to see it."
    found = "" if leaf.rows or not asked.text else "Nothing found so far: "
    return f"{found}looked up to row {count_text(leaf.next.number)} of {count_text(record.line.rows_done)}."


def _empty_words(leaf: Leaf, asked: Asked, total: str) -> str:
    if leaf.rows or leaf.is_late:
        return ""
    if asked.text:
        return f"No row has this text{f' from row {count_text(asked.first)} on' if asked.first > 1 else ''}."
    return f"There is no row {count_text(asked.first)}: the file has {total}." if asked.first > 1 else "The file has no rows."


def _values(record: ExportRecord, row: FileRow, text: str) -> Iterator[ValueView]:
    found = (text,) if text else ()
    for place, (name, cell) in enumerate(zip(record.layout.fields, row.cells, strict=True)):
        body, size = None, len((cell or "").encode())
        if cell and (len(cell) > FACT_CHARACTERS or cell.lstrip()[:1] in ("{", "[") or "\n" in cell):
            body = view_body(Message([], cell, size, False), content_type=None, found=found)
        yield ValueView(name, f"value-{place}", write_unseen(cell or ""), cell is None, format_size(size), body)
