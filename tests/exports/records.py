"""A few records of each kind that can be exported, with values that are hard to write; and what a file has to say of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.models import Campaign, Customer, Product, Sku, Voucher
from auditpanel.exports.models import Export
from auditpanel.exports.values import Exported
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.models import Log, LogContent
from auditpanel.tasks.models import AsyncAction
from auditpanel.webhooks.models import Sendout
from auditpanel.webhooks.values import SendoutStatus
from tests.logs.making import NOW, make_log, store
from tests.webhooks.sendout_making import make_sendout

# Cells that are run, wide ones too, or that a format has its own idea about.
TEXTS = (
    "=1+1",
    "+48 600 100 200",
    "-5",
    "@SUM(A1)",
    "\tcell",
    "\rcell",
    "\ncell",
    "＝1＋1",
    "'-5",
    "'quoted",
    '"quoted", "twice"',
    "two\nlines",
    "żółć 😀",
    "50% off; a,b",
    "\\N",
    "\\.",
    "_x0041_",
    "",
    " spaces ",
    "\x01\x0b",
)
Expected = dict[str, object]


def make_records(session: Session, scope: ProjectScope, exported: Exported) -> None:
    MAKERS[exported](session, scope)
    session.commit()


def expected_records(session: Session, scope: ProjectScope, exported: Exported) -> list[Expected]:
    """What a file has, by the database read without the code of exports; the newest first."""
    return EXPECTED[exported](session, scope)


def _make_logs(session: Session, scope: ProjectScope) -> None:
    logs = [
        make_log(
            occurred_at=NOW - timedelta(microseconds=number),
            path=f"/v1/{number}",
            query="a=1" if number % 2 else None,
            status_code=500 if number % 3 == 0 else 200,
            duration_ms=number / 7,
            route="GET /v1/{n}",
            user_agent=text,
            customer=text,
            request_body=text,
            response_body=text * 3,
        )
        for number, text in enumerate(TEXTS)
    ]
    store(session, scope, *logs)


def add_log(session: Session, scope: ProjectScope, number: int) -> None:
    store(session, scope, make_log(request_id=f"{number}", request_body="=1"))


def add_task(session: Session, scope: ProjectScope, number: int) -> None:
    session.add(AsyncAction(project_id=scope.project_id, type="VOUCHERS.IMPORT", status="DONE", request_id=f"{number}", origin="API"))


def add_export(session: Session, scope: ProjectScope, number: int, **columns: object) -> None:
    session.add(_export(scope, request_id=f"{number}", **columns))


def add_sendout(session: Session, scope: ProjectScope, number: int) -> None:
    make_sendout(session, scope, UUID(int=1), request_id=f"{number}")


def _make_tasks(session: Session, scope: ProjectScope) -> None:
    for number, text in enumerate(TEXTS):
        session.add(
            AsyncAction(
                project_id=scope.project_id,
                type="VOUCHERS.IMPORT_CSV",
                status=("DONE", "FAILED", "ENQUEUED")[number % 3],
                refused=number % 2,
                created_at=NOW - timedelta(seconds=number),
                started_at=NOW if number % 2 else None,
                request_id="v-1",
                origin="API",
                user=text,
                file_name=text,
                rows_total=number or None,
                error=text,
                parameters={"text": text, "list": [1, None, True]},
            )
        )


def _make_exports(session: Session, scope: ProjectScope) -> None:
    for number, text in enumerate(TEXTS):
        session.add(
            _export(
                scope,
                created_at=NOW - timedelta(seconds=number),
                status="ERROR" if number % 3 == 0 else "DONE",
                user=text,
                words=text,
                packing="gzip" if number % 2 else "none",
                rows_done=number,
                file_bytes=number * (1 << 33),
                sha256="ab" * 32,
                error=text,
            )
        )


def _export(scope: ProjectScope, **columns: object) -> Export:
    usual: dict[str, object] = {
        "project_id": scope.project_id,
        "exported": "api_log",
        "status": "DONE",
        "request_id": "v-1",
        "origin": "DASHBOARD",
        "filters": "",
        "words": "Last 24 hours",
        "fields": ["id", "path"],
        "order": "-created_at",
        "format": "csv",
        "packing": "none",
        "has_bom": False,
        "time_zone": "UTC",
        "keep_days": 30,
    }
    return Export(**(usual | columns))


def _make_sendouts(session: Session, scope: ProjectScope) -> None:
    for number, text in enumerate(TEXTS):
        sendout_id = make_sendout(
            session,
            scope,
            UUID(int=number),
            SendoutStatus.ERROR if number % 2 else SendoutStatus.SENT,
            created_at=NOW - timedelta(seconds=number),
            type=text,
            target_url=f"https://shop.example.com/{number}?q={number}",
            sent_at=NOW if number % 2 else None,
        )
        session.get_one(Sendout, (scope.project_id, NOW - timedelta(seconds=number), sendout_id)).error = text


def _make_campaigns(session: Session, scope: ProjectScope) -> None:
    for number, text in enumerate(TEXTS):
        session.add(
            Campaign(
                project_id=scope.project_id,
                name=f"{text}{number}",
                description=text,
                campaign_type="DISCOUNT_COUPONS",
                type="STATIC",
                voucher={"type": "DISCOUNT_VOUCHER"},
                vouchers_count=number,
                start_date=datetime(2026, 10, 25, 0, 30, tzinfo=UTC) if number % 2 else None,
                active=number % 2 == 0,
                metadata_={"text": text},
            )
        )
        session.flush()


def _make_vouchers(session: Session, scope: ProjectScope) -> None:
    campaign = Campaign(project_id=scope.project_id, name="=Spring", campaign_type="DISCOUNT_COUPONS", type="STATIC", voucher={})
    session.add(campaign)
    session.flush()
    discounts = (
        {"type": "PERCENT", "percent_off": 12.5, "amount_limit": 400, "effect": "APPLY_TO_ORDER"},
        {"type": "AMOUNT", "amount_off": 1000, "effect": "APPLY_TO_ITEMS", "amount_off_formula": "=A"},
        None,
    )
    for number, text in enumerate(TEXTS):
        session.add(
            Voucher(
                project_id=scope.project_id,
                code=f"{text}{number}",
                campaign_id=campaign.id if number % 2 else None,
                type="DISCOUNT_VOUCHER" if number % 3 < 2 else "GIFT_VOUCHER",
                discount=discounts[number % 3],
                gift={"amount": 100, "balance": 40.5} if number % 3 == 2 else None,
                category=text,
                redemption_quantity=number or None,
                expiration_date=datetime(2027, 1, 1, tzinfo=UTC),
                settings={"validity_day_of_week": [1, 2], "validity_timeframe": {"interval": "P1D"}} if number % 2 else {},
                metadata_={"text": text},
            )
        )
        session.flush()


def _make_customers(session: Session, scope: ProjectScope) -> None:
    for number, text in enumerate(TEXTS):
        session.add(
            Customer(
                project_id=scope.project_id,
                source_id=f"{text}{number}",
                name=text,
                phone=text,
                birthdate=date(1899, 3, 1) + timedelta(days=400 * number) if number % 2 else None,
                address={"city": text} if number % 2 else None,
                metadata_={"text": text},
                updated_at=NOW if number % 2 else None,
            )
        )
        session.flush()


def _make_products(session: Session, scope: ProjectScope) -> None:
    for number, text in enumerate(TEXTS):
        session.add(
            Product(project_id=scope.project_id, source_id=f"{text}{number}", name=text, price=-number * (1 << 55), attributes=[text])
        )
        session.flush()


def _make_skus(session: Session, scope: ProjectScope) -> None:
    for number, text in enumerate(TEXTS):
        session.add(Sku(project_id=scope.project_id, product_id=UUID(int=1), source_id=f"{text}{number}", sku=text, price=number))
        session.flush()


def _expected_logs(session: Session, scope: ProjectScope) -> list[Expected]:
    statement = select(Log, LogContent).join(LogContent, LogContent.id == Log.id).where(Log.project_id == scope.project_id)
    return [
        {
            "created_at": log.occurred_at,
            "id": format_id(Prefix.LOG, log.id),
            "status": "failure" if log.status_code >= 400 else "success",
            "request_id": log.request_id,
            "channel": log.channel,
            "method": log.method,
            "endpoint": log.route,
            "url": f"{log.path}?{content.query}" if content.query else log.path,
            "user_email": log.user,
            "app_id": log.api_key,
            "request_duration": log.duration_ms,
            "request_body": content.request_body,
            "response_body": content.response_body,
            "origin": log.origin,
            "path": log.path,
            "status_code": log.status_code,
            "customer": log.customer,
            "client_ip": log.client_ip,
            "user_agent": log.user_agent,
            "error": log.error,
        }
        for log, content in session.execute(statement.order_by(Log.occurred_at.desc()))
    ]


def _expected_tasks(session: Session, scope: ProjectScope) -> list[Expected]:
    return [
        {
            "id": format_id(Prefix.ASYNC_ACTION, task.id),
            "operation_status": {"DONE": "FAILED" if task.refused else "SUCCESS", "FAILED": "FAILED"}.get(task.status, "UNKNOWN"),
            "processing_time": task.processing_ms,
            "user_email": task.user,
            "app_id": task.api_key,
        }
        | _same(
            task,
            "type status created_at updated_at started_at finished_at request_id origin channel file_name rows_total rows_done created "
            "updated deleted skipped refused error parameters",
        )
        for task in session.scalars(
            select(AsyncAction).where(AsyncAction.project_id == scope.project_id).order_by(AsyncAction.created_at.desc())
        )
    ]


def _expected_exports(session: Session, scope: ProjectScope) -> list[Expected]:
    return [
        {
            "id": format_id(Prefix.EXPORT, export.id),
            "exported_object": export.exported,
            "user_email": export.user,
            "app_id": export.api_key,
            "filters": export.words,
            "gzip": export.packing == "gzip",
            "rows": export.rows_done,
            "bytes": export.file_bytes,
        }
        | _same(
            export,
            "status created_at updated_at started_at finished_at request_id origin channel fields order format time_zone sha256 expires_at "
            "error",
        )
        for export in session.scalars(select(Export).where(Export.project_id == scope.project_id).order_by(Export.created_at.desc()))
    ]


def _expected_sendouts(session: Session, scope: ProjectScope) -> list[Expected]:
    return [
        {
            "id": format_id(Prefix.SENDOUT, sendout.id),
            "source_id": format_id(Prefix.WEBHOOK, sendout.webhook_id),
            "event_id": format_id(Prefix.EVENT, sendout.event_id),
            "attempts_count": sendout.attempts,
        }
        | _same(
            sendout,
            "status type created_at sent_at target_url request_id status_code duration_ms error first_attempt_at next_attempt_at",
        )
        for sendout in session.scalars(select(Sendout).where(Sendout.project_id == scope.project_id).order_by(Sendout.created_at.desc()))
    ]


def _expected_campaigns(session: Session, scope: ProjectScope) -> list[Expected]:
    return [
        {"id": format_id(Prefix.CAMPAIGN, campaign.id), "metadata": campaign.metadata_}
        | _same(
            campaign,
            "name description campaign_type type category vouchers_count vouchers_generation_status start_date expiration_date active "
            "voucher created_at updated_at",
        )
        for campaign in session.scalars(select(Campaign).where(Campaign.project_id == scope.project_id).order_by(Campaign.id.desc()))
    ]


def _expected_vouchers(session: Session, scope: ProjectScope) -> list[Expected]:
    campaigns = session.scalars(select(Campaign).where(Campaign.project_id == scope.project_id))
    names = {campaign.id: campaign.name for campaign in campaigns}
    found = session.scalars(select(Voucher).where(Voucher.project_id == scope.project_id).order_by(Voucher.id.desc()))
    return [_expected_voucher(voucher, names) for voucher in found]


def _expected_voucher(voucher: Voucher, names: Mapping[UUID, str]) -> Expected:
    discount, gift = voucher.discount or {}, voucher.gift or {}
    timeframe = voucher.settings.get("validity_timeframe", {})
    assert isinstance(timeframe, dict)
    return {
        "voucher_type": voucher.type,
        "value": discount.get("percent_off", discount.get("amount_off", gift.get("amount"))),
        "formula": discount.get("amount_off_formula"),
        "discount_type": discount.get("type"),
        "campaign": names[voucher.campaign_id] if voucher.campaign_id else None,
        "gift_balance": gift.get("balance"),
        "loyalty_balance": None,
        "redemption_count": 0,
        "metadata": voucher.metadata_,
        "id": format_id(Prefix.VOUCHER, voucher.id),
        "is_referral_code": False,
        "validity_timeframe_interval": timeframe.get("interval"),
        "validity_timeframe_duration": timeframe.get("duration"),
        "validity_day_of_week": voucher.settings.get("validity_day_of_week"),
        "discount_amount_limit": discount.get("amount_limit"),
        "campaign_id": format_id(Prefix.CAMPAIGN, voucher.campaign_id) if voucher.campaign_id else None,
        "discount_effect": discount.get("effect"),
        "discount_unit_type": None,
        "discount_unit_effect": None,
        "validation_rules_id": None,
    } | _same(voucher, "code category start_date expiration_date redemption_quantity active created_at updated_at additional_info")


def _expected_customers(session: Session, scope: ProjectScope) -> list[Expected]:
    return [
        {
            "id": format_id(Prefix.CUSTOMER, customer.id),
            "birthday": customer.birthdate,
            "metadata": customer.metadata_,
            "address_city": (customer.address or {}).get("city"),
        }
        | dict.fromkeys(f"address_{part}" for part in ("state", "line_1", "line_2", "country", "postal_code"))
        | _same(customer, "name description email source_id created_at updated_at phone birthdate")
        for customer in session.scalars(select(Customer).where(Customer.project_id == scope.project_id).order_by(Customer.id.desc()))
    ]


def _expected_products(session: Session, scope: ProjectScope) -> list[Expected]:
    return [
        {"id": format_id(Prefix.PRODUCT, product.id), "metadata": product.metadata_}
        | _same(product, "source_id name price attributes image_url created_at updated_at")
        for product in session.scalars(select(Product).where(Product.project_id == scope.project_id).order_by(Product.id.desc()))
    ]


def _expected_skus(session: Session, scope: ProjectScope) -> list[Expected]:
    return [
        {"id": format_id(Prefix.SKU, sku.id), "product_id": format_id(Prefix.PRODUCT, sku.product_id), "metadata": sku.metadata_}
        | _same(sku, "source_id sku price currency attributes image_url created_at updated_at")
        for sku in session.scalars(select(Sku).where(Sku.project_id == scope.project_id).order_by(Sku.id.desc()))
    ]


def _same(record: object, names: str) -> Expected:
    return {name: getattr(record, name) for name in names.split()}


MAKERS: dict[Exported, Callable[[Session, ProjectScope], None]] = {
    Exported.LOG: _make_logs,
    Exported.TASK: _make_tasks,
    Exported.EXPORT: _make_exports,
    Exported.SENDOUT: _make_sendouts,
    Exported.CAMPAIGN: _make_campaigns,
    Exported.VOUCHER: _make_vouchers,
    Exported.CUSTOMER: _make_customers,
    Exported.PRODUCT: _make_products,
    Exported.SKU: _make_skus,
}
EXPECTED: dict[Exported, Callable[[Session, ProjectScope], list[Expected]]] = {
    Exported.LOG: _expected_logs,
    Exported.TASK: _expected_tasks,
    Exported.EXPORT: _expected_exports,
    Exported.SENDOUT: _expected_sendouts,
    Exported.CAMPAIGN: _expected_campaigns,
    Exported.VOUCHER: _expected_vouchers,
    Exported.CUSTOMER: _expected_customers,
    Exported.PRODUCT: _expected_products,
    Exported.SKU: _expected_skus,
}
