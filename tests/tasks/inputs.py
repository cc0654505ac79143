"""For each type of task: what has to be there before, its parameters and its file. Some rows of each file are bad on purpose."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.campaigns import create_campaign
from auditpanel.catalogue.values import read_campaign
from auditpanel.ids import Prefix, format_id
from auditpanel.tasks.uploads import Upload, keep, keep_rows
from auditpanel.tasks.values import Json, TaskType

LIMIT_BYTES = 1 << 30
METADATA = '{"season": "winter", "shop": 3}'


@dataclass(frozen=True, slots=True)
class Making:
    """What an input is made with; `rows` are the rows that the task is to have."""

    session: Session
    scope: ProjectScope
    rows: int
    folder: Path

    def numbers(self) -> Iterator[tuple[int, bool]]:
        """With whether the row is to be a bad one."""
        return ((number, number % 97 == 5) for number in range(self.rows))

    def csv(self, header: str, line: Callable[[int, bool], str]) -> Upload:
        lines = [header, *(line(number, is_bad) for number, is_bad in self.numbers())]
        return keep(io.BytesIO("\n".join(lines).encode()), "rows.csv", folder=self.folder, limit_bytes=LIMIT_BYTES)

    def json(self, row: Callable[[int, bool], Json]) -> Upload:
        return keep_rows((row(number, is_bad) for number, is_bad in self.numbers()), folder=self.folder)

    def campaign_id(self) -> str:
        data = {
            "name": "Winter",
            "campaign_type": "DISCOUNT_COUPONS",
            "voucher": {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}},
        }
        return format_id(Prefix.CAMPAIGN, create_campaign(self.session, self.scope, read_campaign(data)).id)

    def make_vouchers(self, campaign_id: str | None = None) -> None:
        self._make(
            "INSERT INTO vouchers (project_id, id, code, campaign_id, type, discount, active, settings, metadata)"
            " SELECT :project_id, gen_random_uuid(), 'code-' || n, CAST(:campaign_id AS uuid), 'DISCOUNT_VOUCHER',"
            """ '{"type": "PERCENT", "percent_off": 10}', true, '{}', CAST(:metadata AS jsonb)""",
            campaign_id=campaign_id and campaign_id.removeprefix(Prefix.CAMPAIGN),
        )
        if campaign_id is not None:
            self.session.execute(
                text("UPDATE campaigns SET vouchers_count = :rows WHERE project_id = :id"), {"rows": self.rows, "id": self.scope.project_id}
            )

    def make_customers(self) -> None:
        self._make(
            "INSERT INTO customers (project_id, id, source_id, name, metadata)"
            " SELECT :project_id, gen_random_uuid(), 'source-' || n, 'Nina ' || n, CAST(:metadata AS jsonb)"
        )

    def make_products(self) -> None:
        self._make(
            "INSERT INTO products (project_id, id, source_id, name, attributes, metadata)"
            " SELECT :project_id, gen_random_uuid(), 'source-' || n, 'Shirt ' || n, '[]', CAST(:metadata AS jsonb)"
        )

    def _make(self, select: str, **parameters: object) -> None:
        values = {"project_id": self.scope.project_id, "rows": self.rows, "metadata": METADATA} | parameters
        self.session.execute(text(f"{select} FROM generate_series(0, CAST(:rows AS bigint) - 1) AS n"), values)


Made = tuple[Json, Upload | None]


def make_input(session: Session, scope: ProjectScope, type_: TaskType, *, rows: int, folder: Path) -> Made:
    """Makes what the task is about; answers its parameters and its file. `folder` is that of the uploads; the caller commits."""
    return _INPUTS[type_](Making(session, scope, rows, folder))


def _voucher(number: int, is_bad: bool) -> Json:
    discount = {"type": "PERCENT", "percent_off": 1_000 if is_bad else number % 100 + 1}
    return {"code": f"code-{number}", "type": "DISCOUNT_VOUCHER", "discount": discount, "metadata": {"n": number}}


def _vouchers_csv(making: Making) -> Upload:
    return making.csv(
        "Code,Voucher Type,Discount Type,Value,Category,Shelf",
        lambda number, is_bad: f"code-{number},DISCOUNT_VOUCHER,PERCENT,{'much' if is_bad else number % 100 + 1},summer,{number % 7}",
    )


def _campaign_import(making: Making) -> Made:
    return {"campaign_id": making.campaign_id()}, making.json(_voucher)


def _campaign_import_csv(making: Making) -> Made:
    return {"campaign_id": making.campaign_id()}, _vouchers_csv(making)


def _campaign_update(making: Making) -> Made:
    campaign_id = making.campaign_id()
    making.make_vouchers(campaign_id)
    return {"campaign_id": campaign_id, "changes": {"category": "summer", "metadata": {"season": "summer"}}}, None


def _campaign_delete(making: Making) -> Made:
    campaign_id = making.campaign_id()
    making.make_vouchers(campaign_id)
    return {"campaign_id": campaign_id}, None


def _campaign_generate(making: Making) -> Made:
    return {"campaign_id": making.campaign_id(), "vouchers_count": making.rows}, None


def _customers_csv(making: Making) -> Made:
    return {}, making.csv(
        "Source_id,Name,Email,Birthdate,Loyal",
        lambda number, is_bad: f"source-{number},Nina {number},nina{number}@example.com,{'soon' if is_bad else '1990-02-03'},{number % 2}",
    )


def _customers_bulk(making: Making) -> Made:
    making.make_customers()
    return {}, making.json(
        lambda number, is_bad: {"source_id": 5 if is_bad else f"source-{number}", "name": f"Omar {number}", "metadata": {"n": number}}
    )


def _customers_metadata(making: Making) -> Made:
    making.make_customers()
    return {"metadata": {"season": "summer"}}, making.json(lambda number, is_bad: {"source_id": None if is_bad else f"source-{number}"})


def _customers_purge(making: Making) -> Made:
    making.make_customers()
    return {"key": "season"}, None


def _products_bulk(making: Making) -> Made:
    making.make_products()
    return {}, making.json(
        lambda number, is_bad: {"source_id": f"source-{number}", "price": "much" if is_bad else number, "metadata": {"n": number}}
    )


def _products_metadata(making: Making) -> Made:
    making.make_products()
    return {"metadata": {"season": "summer"}}, making.json(lambda number, is_bad: {"source_id": None if is_bad else f"source-{number}"})


def _products_purge(making: Making) -> Made:
    making.make_products()
    return {"key": "season"}, None


def _products_csv(making: Making) -> Made:
    return {}, making.csv(
        "source_id,name,price,colour", lambda number, is_bad: f"source-{number},Shirt {number},{'much' if is_bad else number},blue"
    )


def _skus_csv(making: Making) -> Made:
    making.make_products()
    return {}, making.csv(
        "product_id,sku_id,sku,price,currency",
        lambda number, is_bad: f"{'nowhere' if is_bad else f'source-{number}'},sku-{number},Size {number},{number},EUR",
    )


def _vouchers_bulk(making: Making) -> Made:
    making.make_vouchers()
    return {}, making.json(
        lambda number, is_bad: {
            "code": "nowhere" if is_bad else f"code-{number}",
            "category": f"category {number % 5}",
            "metadata": {"n": number},
        }
    )


def _vouchers_metadata(making: Making) -> Made:
    making.make_vouchers()
    return {"metadata": {"season": "summer"}}, making.json(lambda number, is_bad: {"code": "nowhere" if is_bad else f"code-{number}"})


def _vouchers_purge(making: Making) -> Made:
    making.make_vouchers()
    return {"key": "season"}, None


_INPUTS: dict[TaskType, Callable[[Making], Made]] = {
    TaskType.CAMPAIGN_VOUCHERS_IMPORT: _campaign_import,
    TaskType.CAMPAIGN_VOUCHERS_IMPORT_CSV: _campaign_import_csv,
    TaskType.CAMPAIGN_VOUCHERS_UPDATE: _campaign_update,
    TaskType.CAMPAIGN_VOUCHERS_DELETE: _campaign_delete,
    TaskType.CAMPAIGN_VOUCHERS_GENERATE: _campaign_generate,
    TaskType.CUSTOMERS_IMPORT_CSV: _customers_csv,
    TaskType.CUSTOMERS_BULK_UPDATE: _customers_bulk,
    TaskType.CUSTOMERS_METADATA_UPDATE: _customers_metadata,
    TaskType.CUSTOMERS_METADATA_KEY_PURGE: _customers_purge,
    TaskType.PRODUCTS_BULK_UPDATE: _products_bulk,
    TaskType.PRODUCTS_METADATA_UPDATE: _products_metadata,
    TaskType.PRODUCTS_METADATA_KEY_PURGE: _products_purge,
    TaskType.PRODUCTS_IMPORT_CSV: _products_csv,
    TaskType.SKUS_IMPORT_CSV: _skus_csv,
    TaskType.VOUCHERS_IMPORT: lambda making: ({}, making.json(_voucher)),
    TaskType.VOUCHERS_IMPORT_CSV: lambda making: ({}, _vouchers_csv(making)),
    TaskType.VOUCHERS_BULK_UPDATE: _vouchers_bulk,
    TaskType.VOUCHERS_METADATA_UPDATE: _vouchers_metadata,
    TaskType.VOUCHERS_METADATA_KEY_PURGE: _vouchers_purge,
}
