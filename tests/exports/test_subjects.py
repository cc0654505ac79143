"""The file is the list: its rows are those that the list of the same filters pages through, also while rows are being written."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue import lists as catalogue_lists
from auditpanel.catalogue.models import Campaign
from auditpanel.exports.queries import list_exports
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, Format
from auditpanel.exports.writing import write
from auditpanel.filters import FilterSet, Params, Span
from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import Count
from auditpanel.logs.queries import list_logs
from auditpanel.tasks.models import AsyncAction
from auditpanel.tasks.queries import list_tasks
from auditpanel.webhooks.queries import list_sendouts
from tests.exports.reading_back import export, layout_of, read
from tests.exports.records import add_export, add_log, add_sendout, add_task, make_records
from tests.faults.started_panel import wait_for
from tests.logs.making import NOW, make_log, make_scope, store

ADDERS = {Exported.LOG: add_log, Exported.TASK: add_task, Exported.EXPORT: add_export, Exported.SENDOUT: add_sendout}
PREFIXES = {
    Exported.CAMPAIGN: Prefix.CAMPAIGN,
    Exported.VOUCHER: Prefix.VOUCHER,
    Exported.CUSTOMER: Prefix.CUSTOMER,
    Exported.PRODUCT: Prefix.PRODUCT,
    Exported.SKU: Prefix.SKU,
}
LISTS: dict[Exported, Callable[..., Any]] = {
    Exported.LOG: list_logs,
    Exported.TASK: list_tasks,
    Exported.EXPORT: list_exports,
    Exported.SENDOUT: list_sendouts,
}
FILTERS: list[tuple[Exported, dict[str, str]]] = [
    (Exported.LOG, {"range": "all"}),
    (Exported.LOG, {"range": "24h", "only": "errors"}),
    (Exported.LOG, {"result": "success", "path_contains": "/v1/1"}),
    (Exported.LOG, {"match": "any", "status": "5xx", "customer": "-5"}),
    (Exported.LOG, {"body_text": "quoted", "range": "all"}),
    (Exported.LOG, {"match": "any", "request_text": "50% off", "path_contains": "%"}),
    (Exported.LOG, {"created_before": "2000-01-01"}),
    (Exported.TASK, {"range": "all", "only": "look"}),
    (Exported.TASK, {"range": "all", "who": "=1+1", "status": "DONE,FAILED"}),
    (Exported.EXPORT, {"range": "all", "only": "failed"}),
    (Exported.EXPORT, {"range": "all", "exported": "api_log", "who": "-5"}),
    (Exported.SENDOUT, {"range": "all", "status": "ERROR"}),
    (Exported.SENDOUT, {"match": "any", "url_contains": "/1", "sent_after": "2026-11-24 00:00", "sent_before": "2026-11-25"}),
]


@pytest.mark.parametrize(("exported", "params"), FILTERS)
def test_a_file_has_the_rows_of_the_list_in_their_order(
    session: Session, engine: Engine, exported: Exported, params: dict[str, str]
) -> None:
    scope, pairs = make_scope(session), list(params.items())
    make_records(session, scope, exported)
    filters = SUBJECTS[exported].read_filters(pairs)
    span = filters.range.resolve(NOW, scope.time_zone)
    listed = [line.id for line in LISTS[exported](session, scope, filters, span, size=1_000).lines]
    assert _ids(engine, scope, exported, pairs) == listed
    assert SUBJECTS[exported].count(session, scope, filters, span) == Count(len(listed), is_exact=True)


def _listed(session: Session, scope: ProjectScope, exported: Exported, campaign: Campaign) -> list[UUID]:
    """The newest first."""
    lists: dict[Exported, Callable[[], catalogue_lists.Page[Any]]] = {
        Exported.CAMPAIGN: lambda: catalogue_lists.list_campaigns(session, scope, place=None, size=100),
        Exported.VOUCHER: lambda: catalogue_lists.list_vouchers(session, scope, campaign_id=campaign.id, place=None, size=100),
        Exported.CUSTOMER: lambda: catalogue_lists.list_customers(session, scope, place=None, size=100),
        Exported.PRODUCT: lambda: catalogue_lists.list_products(session, scope, place=None, size=100),
        Exported.SKU: lambda: catalogue_lists.list_skus(session, scope, product_id=UUID(int=1), place=None, size=100),
    }
    return [row.id for row in lists[exported]().rows]


def _found(session: Session, scope: ProjectScope, exported: Exported, typed: str) -> list[UUID]:
    finders: dict[Exported, Callable[[Session, ProjectScope, str], Sequence[Any]]] = {
        Exported.CAMPAIGN: catalogue_lists.find_campaigns,
        Exported.VOUCHER: catalogue_lists.find_vouchers,
        Exported.CUSTOMER: catalogue_lists.find_customers,
        Exported.PRODUCT: catalogue_lists.find_products,
        Exported.SKU: catalogue_lists.find_skus,
    }
    return sorted((row.id for row in finders[exported](session, scope, typed)), reverse=True)


@pytest.mark.parametrize("exported", PREFIXES)
def test_a_file_of_the_catalogue_has_the_rows_of_its_list(session: Session, engine: Engine, exported: Exported) -> None:
    scope = make_scope(session)
    for kind in {Exported.VOUCHER, exported}:
        make_records(session, scope, kind)
    campaign = session.scalars(select(Campaign).where(Campaign.project_id == scope.project_id, Campaign.name == "=Spring")).one()
    narrowed = {Exported.VOUCHER: [("campaign", campaign.name)], Exported.SKU: [("product", format_id(Prefix.PRODUCT, UUID(int=1)))]}
    listed = _listed(session, scope, exported, campaign)
    assert _ids(engine, scope, exported, narrowed.get(exported, [])) == [format_id(PREFIXES[exported], id_) for id_ in listed]
    assert len(listed) >= 10
    for typed in ("'", "50%", "żÓŁĆ", "nothing like it"):
        found = _found(session, scope, exported, typed)
        assert _ids(engine, scope, exported, [("search", typed)]) == [format_id(PREFIXES[exported], id_) for id_ in found]


def test_a_campaign_that_is_being_deleted_is_not_exported(session: Session, engine: Engine) -> None:
    scope = make_scope(session)
    make_records(session, scope, Exported.CAMPAIGN)
    session.execute(update(Campaign).where(Campaign.project_id == scope.project_id).values(deleted_at=NOW))
    session.commit()
    assert _ids(engine, scope, Exported.CAMPAIGN, []) == []


@pytest.mark.parametrize(("exported", "format"), [*((exported, Format.CSV) for exported in ADDERS), (Exported.LOG, Format.PARQUET)])
def test_a_file_is_one_snapshot_while_rows_are_being_written(session: Session, engine: Engine, exported: Exported, format: Format) -> None:
    scope = make_scope(session)
    with _growing(engine, scope, ADDERS[exported]) as written:
        wait_for(lambda: written[-1] >= 20)
        for _ in range(5):
            before = written[-1]
            layout = layout_of(exported, format, fields=("request_id",))
            numbers = sorted(int(str(row["request_id"])) for row in read(export(engine, scope, exported, layout), layout))
            # One is written after the other: with none missing and none twice, they are those up to some moment.
            assert numbers == list(range(1, len(numbers) + 1))
            assert before <= len(numbers) <= written[-1] + 1


def test_rows_written_after_the_beginning_are_not_in_the_file(session: Session, engine: Engine) -> None:
    scope, subject = make_scope(session), SUBJECTS[Exported.LOG]
    store(session, scope, *(make_log(path=f"/{number}", request_body="x" * 9_000) for number in range(300)))
    layout, target = layout_of(Exported.LOG, Format.CSV), io.BytesIO()

    def add_another(rows: int) -> None:
        store(session, scope, make_log(path=f"/late/{rows}"))

    selection = subject.select(scope, subject.read_filters([("range", "all")]), Span(None, None), layout)
    with engine.connect() as connection:
        written = write(connection, selection, layout, target, add_another)
    assert written.rows == 300 and b"/late/" not in target.getvalue()
    assert subject.count(session, scope, subject.read_filters([("range", "all")]), Span(None, None)).value > 300


def test_nothing_of_another_project_is_in_a_file(session: Session, engine: Engine) -> None:
    mine, theirs = make_scope(session), make_scope(session)
    for exported in Exported:
        make_records(session, theirs, exported)
        assert _ids(engine, mine, exported, [("range", "all")]) == []


@pytest.mark.parametrize("exported", Exported)
def test_each_order_and_its_reverse_can_be_written(session: Session, engine: Engine, exported: Exported) -> None:
    scope = make_scope(session)
    make_records(session, scope, exported)
    for name in SUBJECTS[exported].orders:
        files = []
        for order in (name, f"-{name}"):
            layout = layout_of(exported, Format.NDJSON, fields=("id", name), order=order)
            files.append(read(export(engine, scope, exported, layout), layout))
        rising, falling = ([row["id"] for row in rows if row[name] is not None] for rows in files)
        assert rising == falling[::-1]
        # Those without a value come last either way.
        assert all(row[name] is None for rows in files for row in rows[len(rising) :])


def test_secrets_are_as_hidden_as_on_the_pages(session: Session, engine: Engine) -> None:
    scope = make_scope(session)
    session.add(
        AsyncAction(
            project_id=scope.project_id,
            type="VOUCHERS.IMPORT",
            status="FAILED",
            request_id="v-1",
            origin="API",
            error="Authorization: Bearer abcdefghijklmnop was refused",
            parameters={"password": "hunter22", "name": "Spring"},
        )
    )
    add_export(session, scope, 1, error="Authorization: Bearer abcdefghijklmnop was refused")
    store(session, scope, make_log(request_body='{"password": "hunter22"}'))
    for format in Format:
        for exported, fields in ((Exported.TASK, ("parameters", "error")), (Exported.LOG, ("request_body",))):
            layout = layout_of(exported, format, fields=fields)
            (row,) = read(export(engine, scope, exported, layout), layout)
            assert "hunter22" not in str(row) and "abcdefghijklmnop" not in str(row)
            assert "[redacted, 8 characters]" in str(row)
        layout = layout_of(Exported.EXPORT, format, fields=("error",))
        (row,) = read(export(engine, scope, Exported.EXPORT, layout), layout)
        assert "abcdefghijklmnop" not in str(row) and "[redacted" in str(row)


def test_a_saved_filter_of_the_catalogue_means_all_of_time(session: Session) -> None:
    filters = SUBJECTS[Exported.VOUCHER].read_filters([("active", "true")])
    assert filters.words == "Active yes, all time"
    assert FilterSet.parse(filters.params, SUBJECTS[Exported.VOUCHER].fields) == filters


def _ids(engine: Engine, scope: ProjectScope, exported: Exported, params: Params) -> list[str]:
    layout = layout_of(exported, Format.CSV, fields=("id",))
    return [str(row["id"]) for row in read(export(engine, scope, exported, layout, params), layout)]


@contextmanager
def _growing(engine: Engine, scope: ProjectScope, add: Callable[[Session, ProjectScope, int], object]) -> Iterator[list[int]]:
    """Rows 1, 2, 3… are committed one by one in the meantime; the list ends with the last one."""
    written, is_over = [0], threading.Event()

    def grow() -> None:
        with Session(engine) as session:
            while not is_over.is_set() and written[-1] < 5_000:
                add(session, scope, written[-1] + 1)
                session.commit()
                written.append(written[-1] + 1)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield written
    finally:
        is_over.set()
        thread.join()
