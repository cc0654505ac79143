"""Cells that a spreadsheet would run: one rule, in Python and in SQL, in CSV and XLSX; the other formats keep them as they are."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import literal, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.catalogue.formulas import neutralised, restored
from auditpanel.exports.formulas import neutralised_in_sql
from auditpanel.exports.values import Exported, Format
from auditpanel.exports.xlsx import CELL_CHARACTERS, fitting
from auditpanel.tasks.models import AsyncAction
from auditpanel.webhooks.values import SendoutStatus
from tests.exports.reading_back import Row, export, layout_of, read
from tests.logs.making import NOW, make_scope, store_one
from tests.webhooks.sendout_making import make_sendout, make_webhook

# What PostgreSQL stores: no NUL, no half of a character. The hostile beginnings come often.
CHARACTERS = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
CELLS = st.text(CHARACTERS, max_size=40) | st.builds(
    "".join, st.lists(st.sampled_from([*"'=+-@\t\r\n＝＋－＠,;\"\\", "a", "żó", "😀"]), max_size=6)
)
# What a library could take for XML that is written already.
INNER = st.sampled_from(["<t>=1+1</t>", '</is></c><c r="A1"><f>1+1</f></c>', "&amp;", "_x0041_"]) | st.text(CHARACTERS, max_size=20)
MARKUP = st.builds("<r>{}</r>".format, INNER)
RUNS = re.compile(r"[=+\-@\t\r\n＝＋－＠]")


@given(cell=CELLS)
def test_no_neutralised_cell_runs_and_each_comes_back(cell: str) -> None:
    written = neutralised(cell)
    assert not RUNS.match(written)
    assert restored(written) == cell


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cells=st.lists(CELLS, min_size=1, max_size=20))
def test_the_database_neutralises_as_python_does(session: Session, cells: list[str]) -> None:
    written = session.execute(select(*(neutralised_in_sql(literal(cell)).label(f"c{n}") for n, cell in enumerate(cells)))).one()
    assert list(written) == [neutralised(cell) for cell in cells]


@pytest.mark.parametrize("format", Format)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=10)
@given(cells=st.lists(CELLS | MARKUP, min_size=1, max_size=20))
@example(cells=["<r><t>=1+1</t></r>", "<r></c></r>", "<r>a & b < c</r>"])
def test_hostile_cells_are_harmless_or_exact(session: Session, engine: Engine, format: Format, cells: list[str]) -> None:
    scope = make_scope(session)
    for number, cell in enumerate(cells):
        session.add(
            AsyncAction(
                project_id=scope.project_id, type="VOUCHERS.IMPORT", status="DONE", request_id=cell, origin="API", file_name=f"{number}"
            )
        )
    session.commit()
    layout = layout_of(Exported.TASK, format, fields=("file_name", "request_id"))
    found = {str(row["file_name"]): row["request_id"] or "" for row in read(export(engine, scope, Exported.TASK, layout), layout)}
    is_run = format in (Format.CSV, Format.XLSX)
    assert found == {f"{number}": neutralised(cell) if is_run else cell for number, cell in enumerate(cells)}


@pytest.mark.parametrize("format", Format)
def test_what_is_redacted_on_its_way_is_neutralised_as_well(session: Session, engine: Engine, format: Format) -> None:
    scope = make_scope(session)
    sendout_id = make_sendout(
        session, scope, make_webhook(session, scope), SendoutStatus.ERROR, target_url="=https://a.example?token=secret-word"
    )
    layout = layout_of(Exported.SENDOUT, format)
    (row,) = read(export(engine, scope, Exported.SENDOUT, layout), layout)
    assert sendout_id.hex in str(row["id"])
    url = str(row["target_url"])
    assert url.startswith("'=" if format in (Format.CSV, Format.XLSX) else "=")
    assert "secret-word" not in url and "[redacted, 11 characters]" in url


@given(text=st.text(CHARACTERS, max_size=10).map(lambda text: text * 9_000))
@settings(deadline=None)
def test_a_text_fits_into_a_cell_or_says_that_it_is_cut(text: str) -> None:
    fitted = fitting(text)
    assert len(fitted.encode("utf-16-le")) // 2 <= CELL_CHARACTERS
    assert fitted == text or re.search(r"… \[cut: [\d,]+ characters\]\Z", fitted)


def test_only_xlsx_cuts_what_is_long(session: Session, engine: Engine) -> None:
    scope, body = make_scope(session), "a" * 32_000 + "😀" * 1_000
    store_one(session, scope, occurred_at=NOW, request_body=body)
    shown: dict[Format, Row] = {}
    for format in Format:
        layout = layout_of(Exported.LOG, format, fields=("request_body",))
        (shown[format],) = read(export(engine, scope, Exported.LOG, layout), layout)
    assert all(shown[format]["request_body"] == body for format in (Format.CSV, Format.NDJSON, Format.PARQUET))
    assert str(shown[Format.XLSX]["request_body"]).endswith("… [cut: 34,000 characters]")
