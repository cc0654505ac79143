"""What the panel is held against: Flask-Admin's own view over the same rows in one plain table, an index on each column to filter by."""

from __future__ import annotations

import os
from datetime import datetime
from uuid import UUID

import psycopg
from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_admin.contrib.sqla.filters import FilterEqual, FilterGreater
from flask_admin.theme import Bootstrap4Theme
from flask_sqlalchemy import SQLAlchemy
from psycopg import sql
from sqlalchemy import BigInteger, DateTime, MetaData, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from auditpanel.accounts.scope import ProjectScope
from auditpanel.logs.models import Log, LogContent
from auditpanel.panel.logs.listing import PAGE_SIZE
from tests.benchmarks.stage import Stage

LIST_URL = "/admin/stocklog/"
FILTERED_BY = (
    "occurred_at",
    "method",
    "path",
    "route",
    "status_code",
    "duration_ms",
    "origin",
    "user",
    "api_key",
    "customer",
    "request_id",
)


class StockModel(DeclarativeBase):
    metadata = MetaData()


class StockLog(StockModel):
    __tablename__ = "stock_logs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID]
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    method: Mapped[str] = mapped_column(index=True)
    path: Mapped[str] = mapped_column(index=True)
    route: Mapped[str | None] = mapped_column(index=True)
    status_code: Mapped[int] = mapped_column(SmallInteger, index=True)
    duration_ms: Mapped[float | None] = mapped_column(index=True)
    origin: Mapped[str] = mapped_column(index=True)
    channel: Mapped[str | None]
    user: Mapped[str | None] = mapped_column("user_name", index=True)
    api_key: Mapped[str | None] = mapped_column(index=True)
    customer: Mapped[str | None] = mapped_column(index=True)
    client_ip: Mapped[str | None]
    user_agent: Mapped[str | None]
    request_id: Mapped[str | None] = mapped_column(index=True)
    error: Mapped[str | None]
    query: Mapped[str | None]
    request_headers: Mapped[list[list[str]]] = mapped_column(JSONB)
    request_body: Mapped[str | None]
    request_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    request_is_cut: Mapped[bool]
    response_headers: Mapped[list[list[str]]] = mapped_column(JSONB)
    response_body: Mapped[str | None]
    response_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    response_is_cut: Mapped[bool]
    refs: Mapped[list[dict[str, str]]] = mapped_column(JSONB)


class StockLogView(ModelView):
    """As the documentation shows it. The page's size and order are those of our list."""

    page_size = PAGE_SIZE
    can_export = True
    column_default_sort = ("occurred_at", True)
    column_filters = FILTERED_BY


class Stock:
    """The application with that view, and the URLs of the pages that are compared."""

    def __init__(self, database_url: str) -> None:
        self.app = Flask("stock")
        self.app.config.update(SECRET_KEY="stock", SQLALCHEMY_DATABASE_URI=database_url)
        database = SQLAlchemy(model_class=StockModel, disable_autonaming=True)
        database.init_app(self.app)
        self._view = StockLogView(StockLog, database)
        Admin(self.app, theme=Bootstrap4Theme()).add_view(self._view)

    def failures_url(self, origin: str) -> str:
        wanted = {(FilterEqual, "origin"): origin, (FilterGreater, "status_code"): "399"}
        pairs = [
            f"flt{place}_{self._view.get_filter_arg(index, flt)}={value}"
            for place, ((kind, name), value) in enumerate(wanted.items())
            for index, flt in enumerate(self._view._filters)
            if isinstance(flt, kind) and flt.column.name == name
        ]
        assert len(pairs) == len(wanted), pairs
        return f"{LIST_URL}?{'&'.join(pairs)}"

    def export(self, rows: int) -> None:
        """All of them as CSV, to the last byte."""
        lines = self.app.test_client().get(f"{LIST_URL}export/csv/", buffered=False).iter_encoded()
        exported = sum(chunk.count(b"\n") for chunk in lines)
        assert exported > rows, exported

    def middle_url(self, rows: int) -> str:
        return f"{LIST_URL}?page={rows // PAGE_SIZE // 2}"


def create_app() -> Flask:
    """For gunicorn, with the environment of a stage."""
    return Stock(os.environ["DATABASE_URL"]).app


def fill_stock(stage: Stage, scope: ProjectScope) -> None:
    """The project's rows as they are in our tables. The indexes are made last, which leaves them in their best shape."""
    names = [column.name for column in StockLog.__table__.columns]
    contents = {column.name for column in LogContent.__table__.columns} - {column.name for column in Log.__table__.columns}
    columns = [sql.Identifier("c" if name in contents else "l", name) for name in names]
    with psycopg.connect(stage.conninfo) as connection:
        indexes = sorted(StockModel.metadata.tables[StockLog.__tablename__].indexes, key=lambda index: str(index.name))
        StockModel.metadata.create_all(stage.engine)
        for index in indexes:
            index.drop(stage.engine)
        connection.execute(
            sql.SQL(
                "INSERT INTO stock_logs ({}) SELECT {} FROM logs l JOIN log_contents c USING (project_id, occurred_at, id) "
                "WHERE project_id = %s ORDER BY occurred_at"
            ).format(sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(", ").join(columns)),
            (scope.project_id,),
        )
        connection.commit()
        for index in indexes:
            index.create(stage.engine)
