"""Every route, walked by strangers: whoever adds one has to say here what strangers may see of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.catalogue.campaigns import create_campaign
from auditpanel.catalogue.customers import create_customer
from auditpanel.catalogue.products import create_product
from auditpanel.catalogue.skus import create_sku
from auditpanel.catalogue.values import NewCustomer, NewProduct, NewSku, read_campaign, read_voucher
from auditpanel.catalogue.vouchers import create_voucher
from auditpanel.exports.layouts import checked_layout
from auditpanel.exports.schedules import NewSchedule, create_schedule
from auditpanel.exports.store import NewExport, request_export
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.timing import Timing
from auditpanel.exports.values import Exported, Period
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix, format_id, new_request_id
from auditpanel.tasks.store import request_task
from auditpanel.tasks.values import Asker, TaskType
from auditpanel.times import utc_now
from auditpanel.webhooks.filters import SENDOUT_FIELDS
from auditpanel.webhooks.resends import request_resend
from tests.accounts.visitor import Visitor, log_in
from tests.factories import make_key, make_member, make_project, make_superuser
from tests.logs.making import store_one
from tests.webhooks.raising import make_webhook
from tests.webhooks.sendout_making import make_sendout

SECRET = "of-the-other-project"
CSRF_TOKEN = re.compile(r"[\w-]+\.[\w-]{6}\.[\w-]{27}")

# Those that everybody may see, and those that show a user only what is theirs: neither takes the id of anything.
PUBLIC = {"static", "home.static", "healthz", "readyz", "login.log_in", "api_document.show_document"}
OWN = {"home.index", "login.log_out", "account.index", "account.log_out_everywhere"}
# Arguments that are no ids, and the route that makes a record with the code in its address.
OF_EVERY_PROJECT = {"resource", "key"}
# The pages of the catalogue have one name for the ids of all kinds.
RECORDS = {"campaigns": "campaign_id", "vouchers": "code", "customers": "customer_id", "products": "product_id", "skus": "sku_id"}
MAKES_ITS_OWN = {"api.create_voucher_with_code"}
SUPERUSERS = {
    "users.index",
    "users.create",
    "users.edit",
    "users.activate",
    "users.deactivate",
    "users.reset_password",
    "projects_admin.index",
    "projects_admin.create",
}


@dataclass(frozen=True, slots=True)
class Victim:
    """A project with a member, a key and a log; `ids` are what its URLs have in them."""

    project: Project
    ids: dict[str, object]


@pytest.fixture
def victim(session: Session) -> Victim:
    project = make_project(session, name=SECRET)
    member = make_member(session, project)
    key = make_key(session, project, name=SECRET)
    scope = scope_of_project(project, Role.ADMIN)
    log_id = store_one(session, scope, path=f"/{SECRET}", user=SECRET, request_body=SECRET, request_id=SECRET)
    ids = {
        "project_id": format_id(Prefix.PROJECT, project.id),
        "log_id": format_id(Prefix.LOG, log_id),
        "user_id": member.id,
        "key_id": UUID(key.app_id),
        **catalogue_ids(session, scope),
        **webhook_ids(session, scope),
        **export_ids(session, scope),
    }
    session.commit()
    return Victim(project, ids)


def catalogue_ids(session: Session, scope: ProjectScope) -> dict[str, object]:
    """One of everything. Resources and keys of metadata are names that each project has for itself."""
    template = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
    campaign = create_campaign(session, scope, read_campaign({"name": SECRET, "campaign_type": "DISCOUNT_COUPONS", "voucher": template}))
    voucher = create_voucher(session, scope, read_voucher(template | {"code": SECRET}), campaign=campaign, random=Random(1))
    customer = create_customer(session, scope, NewCustomer(source_id=SECRET, name=SECRET))
    product = create_product(session, scope, NewProduct(source_id=SECRET, name=SECRET))
    sku = create_sku(session, scope, product, NewSku(source_id=SECRET))
    asker = Asker(new_request_id(), "API", user=SECRET)
    task = request_task(session, scope, TaskType.VOUCHERS_IMPORT, asker=asker, parameters={"of": SECRET}, now=utc_now())
    return {
        "campaign_id": format_id(Prefix.CAMPAIGN, campaign.id),
        "code": format_id(Prefix.VOUCHER, voucher.id),
        "customer_id": format_id(Prefix.CUSTOMER, customer.id),
        "product_id": format_id(Prefix.PRODUCT, product.id),
        "sku_id": format_id(Prefix.SKU, sku.id),
        "async_action_id": format_id(Prefix.ASYNC_ACTION, task),
        "task_id": format_id(Prefix.ASYNC_ACTION, task),
        "request_id": asker.request_id,
        "resource": "voucher",
        "key": "colour",
    }


def webhook_ids(session: Session, scope: ProjectScope) -> dict[str, object]:
    webhook_id = make_webhook(session, scope, name=SECRET, url=f"https://shop.example.com/{SECRET}", headers=[("X-Shop", SECRET)])
    sendout_id = make_sendout(session, scope, webhook_id, created_at=utc_now(), data=f'{{"of":"{SECRET}"}}')
    everything = FilterSet.parse([("range", "all")], SENDOUT_FIELDS)
    resend_id = request_resend(session, scope, everything, Span(None, None), 1, SECRET, utc_now())
    return {
        "webhook_id": format_id(Prefix.WEBHOOK, webhook_id),
        "sendout_id": format_id(Prefix.SENDOUT, sendout_id),
        "resend_id": format_id(Prefix.RESEND, resend_id),
    }


def export_ids(session: Session, scope: ProjectScope) -> dict[str, object]:
    subject = SUBJECTS[Exported.CUSTOMER]
    new = NewExport(subject.exported, subject.read_filters([("name", SECRET)]), Span(None, None), checked_layout(subject), {"of": SECRET})
    export_id = request_export(session, scope, new, asker=Asker(new_request_id(), "API", user=SECRET), now=utc_now())
    schedule = NewSchedule(SECRET, subject.exported, new.filters, new.layout, Timing(Period.DAILY, 6), 30)
    schedule_id = create_schedule(session, scope, schedule, by=SECRET, now=utc_now())
    return {"export_id": format_id(Prefix.EXPORT, export_id), "schedule_id": schedule_id}


def is_of_api(rule: Rule) -> bool:
    """Opened by a key."""
    return str(rule.endpoint).startswith("api.")


def rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def url_of(app: Flask, rule: Rule, victim: Victim) -> str:
    ids = victim.ids | {"record_id": victim.ids.get(RECORDS.get(str(rule.endpoint).partition(".")[0], ""))}
    missing = rule.arguments - ids.keys()
    assert not missing, f"{rule.rule}: give the victim of this test an id for {missing}"
    values = {name: ids[name] for name in rule.arguments}
    built = rule.build(values, append_unknown=False)
    assert built is not None
    return str(built[1])


def test_each_route_is_of_a_known_kind(app: Flask) -> None:
    for rule, _ in rules(app):
        is_project = "project_id" in rule.arguments
        is_api = is_of_api(rule)
        named = rule.endpoint in PUBLIC | OWN | SUPERUSERS
        assert is_project + is_api + named == 1, f"{rule.rule}: say in this file what strangers may see of it"
        assert not (rule.endpoint in OWN and rule.arguments), f"{rule.rule} takes an id, so it is not only about its reader"


def test_without_a_login_every_page_leads_to_it(app: Flask, victim: Victim) -> None:
    visitor = Visitor(app)
    for rule, method in rules(app):
        if rule.endpoint in PUBLIC or is_of_api(rule):
            continue
        answer = visitor.post(url_of(app, rule, victim), page="/login") if method == "POST" else visitor.get(url_of(app, rule, victim))
        assert answer.status_code in (302, 400), f"{method} {rule.rule}: {answer.status}"
        assert answer.status_code == 400 or answer.location.startswith("/login"), rule.rule
        assert_nothing_shown(rule, answer)


@pytest.mark.parametrize("role", list(Role))
def test_a_member_of_another_project_finds_nothing(app: Flask, session: Session, victim: Victim, role: Role) -> None:
    stranger = log_in(app, session, make_member(session, make_project(session), role=role))
    for rule, method in rules(app):
        if rule.endpoint in PUBLIC | OWN or is_of_api(rule):
            continue
        url = url_of(app, rule, victim)
        answer = stranger.post(url, page="/account") if method == "POST" else stranger.get(url)
        assert answer.status_code == (403 if rule.endpoint in SUPERUSERS else 404), f"{method} {rule.rule}: {answer.status}"
        assert_nothing_shown(rule, answer)


def test_a_foreign_project_is_no_different_from_one_that_does_not_exist(app: Flask, session: Session, victim: Victim) -> None:
    stranger = log_in(app, session, make_member(session, make_project(session)))
    unknown = Victim(victim.project, victim.ids | {"project_id": format_id(Prefix.PROJECT, UUID(int=1))})
    for rule, method in rules(app):
        if "project_id" in rule.arguments and method == "GET":
            foreign, missing = (stranger.get(url_of(app, rule, of)) for of in (victim, unknown))
            assert foreign.status_code == missing.status_code == 404
            assert without_ids(foreign) == without_ids(missing), rule.rule


def without_ids(answer: TestResponse) -> str:
    """Without the request's id and the form's token, in which the second is that it was made in."""
    return CSRF_TOKEN.sub("", answer.text.replace(answer.headers["X-Request-Id"], ""))


def test_ids_of_another_project_are_not_found_in_ones_own(app: Flask, session: Session, victim: Victim) -> None:
    own = make_project(session)
    admin = log_in(app, session, make_member(session, own, role=Role.ADMIN))
    mixed = Victim(own, victim.ids | {"project_id": format_id(Prefix.PROJECT, own.id)})
    for rule, method in rules(app):
        if "project_id" in rule.arguments and len(rule.arguments) > 1:
            url = url_of(app, rule, mixed)
            answer = admin.post(url, page="/account", role="viewer") if method == "POST" else admin.get(url)
            assert answer.status_code == 404, f"{method} {rule.rule}: {answer.status}"
            assert_nothing_shown(rule, answer)


def test_a_key_of_another_project_finds_nothing(app: Flask, session: Session, victim: Victim) -> None:
    key = make_key(session, make_project(session))
    session.commit()
    client = app.test_client()
    for rule, method in rules(app):
        if is_of_api(rule):
            answer = client.open(
                url_of(app, rule, victim), method=method, headers={"X-App-Id": key.app_id, "X-App-Token": key.app_token}, json=[]
            )
            # Without an id, a call is about the caller's own project; the empty list is no body of most of them.
            names_record = not rule.arguments <= OF_EVERY_PROJECT and rule.endpoint not in MAKES_ITS_OWN
            assert answer.status_code == 404 if names_record else answer.status_code < 300 or answer.status_code in (400, 404), (
                f"{method} {rule.rule}: {answer.status}"
            )
            assert_nothing_shown(rule, answer)


def test_no_key_opens_nothing(app: Flask, victim: Victim) -> None:
    for rule, method in rules(app):
        if is_of_api(rule):
            answer = app.test_client().open(url_of(app, rule, victim), method=method, json=[])
            assert answer.status_code == 401, f"{method} {rule.rule}: {answer.status}"


def test_the_panel_does_not_open_the_api_nor_a_key_the_panel(app: Flask, session: Session, victim: Victim) -> None:
    superuser = log_in(app, session, make_superuser(session))
    assert superuser.get("/v1/logs").status_code == 401
    key = make_key(session, victim.project)
    session.commit()
    headers = {"X-App-Id": key.app_id, "X-App-Token": key.app_token}
    assert app.test_client().get(f"/projects/{victim.ids['project_id']}/logs/", headers=headers).status_code == 302


def test_a_superuser_sees_every_project(app: Flask, session: Session, victim: Victim) -> None:
    superuser = log_in(app, session, make_superuser(session))
    assert superuser.get(f"/projects/{victim.ids['project_id']}/logs/{victim.ids['log_id']}").status_code == 200


def assert_nothing_shown(rule: Rule, answer: TestResponse) -> None:
    assert SECRET not in answer.text, f"{rule.rule} shows a stranger something of the other project"
