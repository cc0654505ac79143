"""Background tasks that the shop's ERP has just asked for, with the calls that asked: the workers do them at the first start."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.models import Campaign, Resource
from auditpanel.catalogue.preview import check_file
from auditpanel.demo.calls import ERP, ERP_IP, Reply, Request, make_call, make_error, make_request_id
from auditpanel.demo.catalogue import CAPITALS, CUSTOMERS
from auditpanel.errors import InvalidInput
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.values import NewLog, Reference
from auditpanel.tasks import uploads
from auditpanel.tasks.store import record_refused_upload, request_task
from auditpanel.tasks.values import TaskType

CODES = 120
PARTNER_VOUCHERS, NEWSLETTER_CUSTOMERS = 250, 40
BOUNDARY = "0d5c1b6f8a"

_VOUCHER_HEADER = "Code,Voucher Type,Discount Type,Value,Category,Active,Start Date,Expiration Date,Redemption Limit,Partner"
# What is wrong in the file of vouchers, by line; the header's is 1. And lines that repeat the code of the one before.
# None has a code of the catalogue: PostgreSQL would write an ERROR to the console about it, the first thing that a new user sees.
WRONG_VOUCHERS = {
    14: "PART-9HK2-0013,DISCOUNT_VOUCHER,PERCENT,150,Partners,true,2026-12-01,2027-03-31,1,Velo Kraków",
    47: ",DISCOUNT_VOUCHER,PERCENT,15,Partners,true,2026-12-01,2027-03-31,1,Velo Kraków",
    68: 'PART-3XWN-0067,DISCOUNT_VOUCHER,AMOUNT,"15,00",Partners,true,2026-12-01,2027-03-31,1,Velo Kraków',
    95: "PART-7TPA-0094,DISCOUNT_VOUCHER,PERCENT,15,Partners,true,2026-12-01,31.03.2027,1,Baltic Coffee",
    96: "PART-K2MM-0095,DISCOUNT_VOUCHER,PERCENT,15,Partners,true,2026-12-01,2027-02-30,1,Baltic Coffee",
    120: "PART-H4QC-0119,DISCOUNT_VOUCHER,PERCENT,15,Partners,true,2027-03-31,2026-12-01,1,Baltic Coffee",
    144: "PART-W8FE-0143,DISCOUNT_VOUCHER,PERCENT,15,Partners,maybe,2026-12-01,2027-03-31,1,Baltic Coffee",
    171: "PART-6DVR-0170,DISCOUNT_VOUCHER,PERCENT,15,Partners,true,2026-12-01,2027-03-31,0,Baltic Coffee",
    203: "PART-B5GS-0202,DISCOUNT_VOUCHER,HALF,15,Partners,true,2026-12-01,2027-03-31,1,Baltic Coffee",
    229: "PART-Y9LZ-0228,DISCOUNT_VOUCHER,PERCENT,fifteen,Partners,true,2026-12-01,2027-03-31,1,Baltic Coffee",
}
REPEATED_VOUCHERS = (31, 32)
WRONG_CUSTOMER = "k.nowak@example.com,Karol Nowak,k.nowak@example.com,Poznań,PL,31/02/1990"
# Without the column that says which product each is of.
WRONG_SKUS = "sku,source_id,price,currency\nEnamel mug; green,mug-green,4300,PLN\nEnamel mug; red,mug-red,4300,PLN\n"


@dataclass(frozen=True, slots=True)
class File:
    name: str
    resource: Resource
    text: str

    @classmethod
    def of(cls, name: str, resource: Resource, lines: Iterable[str]) -> File:
        return cls(name, resource, "".join(f"{line}\n" for line in lines))

    def request(self, route: str) -> Request:
        """As the panel records one: without the file's content."""
        part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{self.name}"\r\nContent-Type: text/csv\r\n\r\n'
        body = f"{part}[a file, not kept in the log]\r\n--{BOUNDARY}--\r\n"
        return Request(route, body=body, content_type=f"multipart/form-data; boundary={BOUNDARY}")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where tasks are asked for; `folder` is that of the uploads."""

    session: Session
    scope: ProjectScope
    folder: Path
    random: Random

    def import_csv(self, type_: TaskType, route: str, file: File, at: datetime) -> NewLog:
        """As by API: what is not taken leaves a failed task that says why."""
        request_id = make_request_id(self.random)
        asker = ERP.asker(request_id)
        upload = uploads.keep(io.BytesIO(file.text.encode()), file.name, folder=self.folder, limit_bytes=uploads.LIMIT_BYTES)
        try:
            check_file(upload.path, file.resource)
        except InvalidInput as error:
            upload.path.unlink()
            scope = self.scope.entered_by(asker.caller)
            task_id = record_refused_upload(
                self.session, scope, type_, asker=asker, parameters={}, file_name=file.name, error=str(error), now=at
            )
            shown = format_id(Prefix.ASYNC_ACTION, task_id)
            details = f"{str(error).rstrip('.')}. The task that says so is {shown}."
            reply = Reply(error.status, make_error(error.status, error.key, error.title, details), 21.6)
        else:
            task_id = request_task(self.session, self.scope, type_, asker=asker, parameters={}, upload=upload, now=at)
            shown = format_id(Prefix.ASYNC_ACTION, task_id)
            reply = Reply(202, {"async_action_id": shown}, 48.3)
        return self._call(at, request_id, file.request(route), reply, [Reference("async_action", shown)])

    def generate(self, campaign: Campaign, count: int, at: datetime) -> NewLog:
        request_id, campaign_id = make_request_id(self.random), format_id(Prefix.CAMPAIGN, campaign.id)
        campaign.vouchers_generation_status = "IN_PROGRESS"
        task_id = request_task(
            self.session,
            self.scope,
            TaskType.CAMPAIGN_VOUCHERS_GENERATE,
            asker=ERP.asker(request_id),
            parameters={"campaign_id": campaign_id, "campaign": campaign.name, "vouchers_count": count, "voucher": {}},
            now=at,
        )
        shown = format_id(Prefix.ASYNC_ACTION, task_id)
        request = Request(
            "POST /v1/campaigns/{campaignId}/vouchers", f"/v1/campaigns/{campaign_id}/vouchers", f"vouchers_count={count}", body="{}"
        )
        references = [Reference("campaign", campaign_id), Reference("async_action", shown)]
        return self._call(at, request_id, request, Reply(202, {"async_action_id": shown}, 17.4), references)

    def _call(self, at: datetime, request_id: str, request: Request, reply: Reply, references: Sequence[Reference]) -> NewLog:
        return make_call(ERP, at, request_id, request, reply, client_ip=ERP_IP, references=references)


def ask_for_tasks(
    session: Session, scope: ProjectScope, folder: Path, black_friday: Campaign, random: Random, now: datetime
) -> list[NewLog]:
    """With the calls that asked for them."""
    desk = Desk(session, scope, folder, random)
    imports = (
        (TaskType.CUSTOMERS_IMPORT_CSV, "POST /v1/customers/importCSV", File.of("newsletter.csv", Resource.CUSTOMER, _customers(random))),
        (TaskType.VOUCHERS_IMPORT_CSV, "POST /v1/vouchers/importCSV", File.of("partners.csv", Resource.VOUCHER, _vouchers(random))),
        (TaskType.SKUS_IMPORT_CSV, "POST /v1/skus/importCSV", File("new-mugs.csv", Resource.SKU, WRONG_SKUS)),
    )
    calls = [
        desk.import_csv(type_, route, file, now - timedelta(seconds=12 - 3 * place)) for place, (type_, route, file) in enumerate(imports)
    ]
    return [*calls, desk.generate(black_friday, CODES, now - timedelta(seconds=2))]


def _vouchers(random: Random) -> list[str]:
    lines = [_VOUCHER_HEADER]
    for line in range(2, PARTNER_VOUCHERS + 2):
        code = f"PART-{''.join(random.choices(CAPITALS, k=4))}-{line - 1:04}"
        partner = "Velo Kraków" if line < 90 else "Baltic Coffee"
        right = f"{code},DISCOUNT_VOUCHER,PERCENT,15,Partners,true,2026-12-01,2027-03-31,1,{partner}"
        lines.append(lines[-1] if line in REPEATED_VOUCHERS else WRONG_VOUCHERS.get(line, right))
    return lines


def _customers(random: Random) -> Iterable[str]:
    """Those that the shop knows among them."""
    yield "source_id,name,email,city,country,birthdate"
    for email, body in CUSTOMERS.items():
        yield f"{email},{body['name']},{email},,,{random.randrange(1960, 2005)}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"
    yield WRONG_CUSTOMER
    for number in range(NEWSLETTER_CUSTOMERS - len(CUSTOMERS) - 1):
        first, last = random.choice(("Ewa", "Jan", "Lena", "Oskar", "Zofia")), random.choice(("Adamska", "Berg", "Conti", "Duda", "Eklund"))
        email = f"{first}.{last}.{number + 1}@example.com".lower()
        yield f"{email},{first} {last},{email},{random.choice(('Warszawa', 'Łódź', 'Wrocław'))},PL,"
