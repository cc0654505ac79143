from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.models import Log, LogContent
from auditpanel.times import iso_utc, utc_now
from auditpanel.webhooks import targets
from auditpanel.webhooks.events import raise_test
from auditpanel.webhooks.models import Webhook
from auditpanel.webhooks.progress import list_resends
from auditpanel.webhooks.values import SendoutStatus
from tests.accounts.visitor import Visitor, log_in
from tests.factories import make_member, make_project, make_user
from tests.faults.started_panel import wait_for
from tests.webhooks.delivering import deliver, make_target, raise_many, sendouts
from tests.webhooks.raising import SEAL, make_webhook
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.sendout_making import make_attempt, make_sendout

URL = "https://shop.example.com/webhooks"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
CHANGES = ("edit", "secret", "headers", "rotate", "switch-off", "switch-on", "remove")


@pytest.fixture
def project(session: Session) -> Project:
    return make_project(session)


@pytest.fixture
def scope(project: Project) -> ProjectScope:
    return scope_of_project(project, Role.ADMIN)


@pytest.fixture
def base(project: Project) -> str:
    return f"/projects/{format_id(Prefix.PROJECT, project.id)}/webhooks/"


@pytest.fixture
def admin(app: Flask, session: Session, project: Project) -> Visitor:
    return log_in(app, session, make_member(session, project, role=Role.ADMIN))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def id_of(webhook_id: UUID) -> str:
    return format_id(Prefix.WEBHOOK, webhook_id)


def only_webhook(session: Session, scope: ProjectScope) -> Webhook:
    session.rollback()
    statement = select(Webhook).where(Webhook.project_id == scope.project_id)
    return session.scalars(statement, execution_options={"populate_existing": True}).one()


def form(**fields: str) -> dict[str, str]:
    return {"url": URL, "name": "Shop", "events": "all", "active": "y"} | fields


def save(visitor: Visitor, page: str, fields: dict[str, str]) -> TestResponse:
    return visitor.client.post(page, data={"csrf_token": visitor.form_token(page), **fields})


def logs_of(session: Session, project: Project) -> str:
    """All that is kept of the project's calls."""
    session.rollback()
    rows = [
        row.__dict__
        for model in (Log, LogContent)
        for row in session.scalars(select(model).where(model.project_id == project.id), execution_options={"populate_existing": True})
    ]
    return repr(rows)


def test_strangers_find_nothing_and_members_the_list(app: Flask, session: Session, project: Project, base: str) -> None:
    assert log_in(app, session, make_user(session)).get(base).status_code == 404
    page = log_in(app, session, make_member(session, project)).get(base)
    assert page.status_code == 200
    assert "No webhook yet" in page.text and "New webhook" not in page.text


def test_the_list_says_how_each_does(session: Session, scope: ProjectScope, admin: Visitor, base: str) -> None:
    webhook_id = make_webhook(session, scope, "voucher.created", "voucher.updated", "order.paid", name="CRM")
    now = utc_now()
    for status_code in (200, 200, 200, 503):
        make_attempt(session, scope, webhook_id, started_at=now - timedelta(hours=1), status_code=status_code)
    make_attempt(session, scope, webhook_id, started_at=now - timedelta(hours=30), status_code=500)
    make_attempt(session, scope, webhook_id, started_at=now - timedelta(hours=1), status_code=500, asked_by="nina@example.com")
    make_sendout(session, scope, webhook_id, SendoutStatus.ERROR, created_at=now - timedelta(hours=2))
    make_sendout(session, scope, webhook_id, SendoutStatus.ERROR, created_at=now - timedelta(days=8))
    page = admin.get(base).text
    assert "CRM" in page and "Active" in page
    assert "Vouchers: created, updated; order.paid" in page
    assert "75%" in page and "of 4" in page
    assert f"only=error&amp;source_id={id_of(webhook_id)}&amp;range=7d" in page
    assert re.search(r"<b>1</b><span class=\"visually-hidden\"> sendouts to CRM in error", page)


def test_the_list_asks_the_database_as_often_for_many_as_for_one(
    engine: Engine, session: Session, scope: ProjectScope, admin: Visitor, base: str
) -> None:
    def asked() -> int:
        statements: list[str] = []
        note = lambda *args: statements.append(args[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", note)
        admin.get(base)
        event.remove(engine, "before_cursor_execute", note)
        return len(statements)

    make_webhook(session, scope)
    session.commit()
    for_one = asked()
    for number in range(5):
        make_webhook(session, scope, name=f"Shop {number}")
    session.commit()
    assert asked() == for_one


def test_one_that_is_switched_off_is_loud_with_the_reason(session: Session, scope: ProjectScope, admin: Visitor, base: str) -> None:
    webhook_id = make_webhook(session, scope)
    targets.switch_off(session, scope, webhook_id, "The target answered 410 Gone on 24 Nov 2026.", utc_now())
    session.commit()
    for page in (admin.get(base).text, admin.get(base + id_of(webhook_id)).text):
        assert "The target answered 410 Gone on 24 Nov 2026." in page
        assert "Switched off" in page


def test_a_new_secret_is_shown_after_creation_and_again_to_admins(session: Session, scope: ProjectScope, admin: Visitor, base: str) -> None:
    made = save(admin, f"{base}new", form(events="chosen", types="voucher.created", other_types="order.paid\r\n\r\norder.shipped "))
    assert made.status_code == 200 and made.headers["Cache-Control"] == "no-store"
    secret = SECRET.search(made.text.replace("&#43;", "+"))
    assert secret is not None
    webhook = only_webhook(session, scope)
    assert webhook.event_types == ["voucher.created", "order.paid", "order.shipped"]
    page = base + id_of(webhook.id)
    assert secret[0] not in admin.get(page).text
    shown = admin.post(f"{page}/secret", page=page)
    assert secret[0] in shown.text and shown.headers["Cache-Control"] == "no-store"
    assert admin.get(f"{page}/secret").status_code == 405


def test_without_a_name_it_is_called_by_its_host_and_inactive_it_waits(
    session: Session, scope: ProjectScope, admin: Visitor, base: str
) -> None:
    fields = form(name="")
    del fields["active"]
    assert save(admin, f"{base}new", fields).status_code == 200
    webhook = only_webhook(session, scope)
    assert (webhook.name, webhook.is_active, webhook.event_types) == ("shop.example.com", False, None)
    assert "switched it off" in (webhook.switched_off_reason or "")


@pytest.mark.parametrize(
    ("field", "typed", "reason"),
    [
        ("url", "ftp://shop.example.com/x", "is neither http nor https"),
        ("url", "https://127.0.0.1/x", "webhooks go to public addresses only"),
        ("url", "https://user:pw@shop.example.com/", "olds a user or password"),
        ("header_secrets", "Host: elsewhere", "is set by the panel itself; leave it out."),
        ("header_secrets", "webhook-id: 1", "is set by the panel itself; leave it out."),
        ("header_secrets", "X-Voucherify-Signature: 1", "is set by the panel itself; leave it out."),
        ("header_secrets", "Connection: close", "is set by the panel itself; leave it out."),
        ("header_secrets", "Content-Length: 3", "is set by the panel itself; leave it out."),
        ("header_secrets", "X-Shop: acme\nno colon here", "Line 2 has no colon"),
        ("header_secrets", "X-Shop: [unchanged]", "has no stored value that could be kept"),
        ("other_types", "Order Paid", "is not an event type"),
    ],
)
def test_what_cannot_be_taken_says_why_and_keeps_what_was_typed(
    session: Session, scope: ProjectScope, admin: Visitor, base: str, field: str, typed: str, reason: str
) -> None:
    page = save(admin, f"{base}new", form(events="chosen", types="voucher.created") | {field: typed})
    assert page.status_code == 400
    assert reason in page.text and f'id="{field}-error"' in page.text
    assert typed in page.text
    assert session.scalars(select(Webhook).where(Webhook.project_id == scope.project_id)).all() == []


def test_chosen_events_have_to_be_at_least_one(admin: Visitor, base: str) -> None:
    page = save(admin, f"{base}new", form(events="chosen"))
    assert page.status_code == 400 and "Choose 1 to 100 event types, or all." in page.text
    page = save(admin, f"{base}new", form(events="chosen", types="voucher.eaten"))
    assert page.status_code == 400


def test_a_change_keeps_the_headers_whose_values_it_never_showed(session: Session, scope: ProjectScope, admin: Visitor, base: str) -> None:
    webhook_id = make_webhook(session, scope, headers=[("Authorization", "Bearer 8f3a-first"), ("X-Shop", "acme-second")])
    session.commit()
    page = base + id_of(webhook_id)
    edit = admin.get(f"{page}/edit").text
    assert "Authorization: [unchanged]" in edit and "8f3a-first" not in edit and "acme-second" not in edit
    lines = "Authorization: [unchanged]\r\nX-New: third"
    assert save(admin, f"{page}/edit", form(name="Store", header_secrets=lines)).status_code == 302
    session.rollback()
    assert targets.read_headers(session, scope, SEAL, webhook_id) == [("Authorization", "Bearer 8f3a-first"), ("X-New", "third")]
    assert targets.get_webhook(session, scope, webhook_id).line.name == "Store"
    assert save(admin, f"{page}/edit", form(header_secrets="")).status_code == 302
    session.rollback()
    assert targets.read_headers(session, scope, SEAL, webhook_id) == []


def test_viewers_see_no_secret_and_no_value_and_change_nothing(
    app: Flask, session: Session, project: Project, scope: ProjectScope, base: str
) -> None:
    webhook_id = make_webhook(session, scope, url=f"{URL}?token=tok-in-the-url", headers=[("X-Shop", "acme-value")])
    secret = targets.read_secret(session, scope, SEAL, webhook_id)
    viewer, operator = (log_in(app, session, make_member(session, project, role=role)) for role in (Role.VIEWER, Role.OPERATOR))
    page = base + id_of(webhook_id)
    for visitor in (viewer, operator):
        shown = visitor.get(page).text
        assert "X-Shop" in shown
        for hidden in (secret, "acme-value", "tok-in-the-url"):
            assert hidden not in shown + visitor.get(base).text
        for change in CHANGES:
            refused = visitor.post(f"{page}/{change}", page="/account")
            assert refused.status_code == 403 and "This takes the role admin" in refused.text, change
        assert visitor.get(f"{base}new").status_code == visitor.get(f"{page}/edit").status_code == 403
        assert "Show the secret" not in shown and "Remove the webhook" not in shown
    assert viewer.post(f"{page}/test", page="/account").status_code == 403
    assert viewer.post(f"{page}/send-missed", page="/account").status_code == 403
    assert operator.post(f"{page}/test", page=page).status_code == 302
    webhook = only_webhook(session, scope)
    assert webhook.is_active and webhook.removed_at is None


def test_no_log_holds_a_secret_or_the_value_of_a_header(
    session: Session, project: Project, scope: ProjectScope, admin: Visitor, base: str
) -> None:
    values = ["8f3a-bearer-value", "plain-shop-value", "y" * 3_000 + "-long-value"]
    lines = f"Authorization: Bearer {values[0]}\r\nX-Shop: {values[1]}\r\n" + "\r\n".join(f"X-Long-{n}: {values[2]}" for n in range(18))
    secrets = [SECRET.findall(save(admin, f"{base}new", form(header_secrets=lines)).text)[0]]
    page = base + id_of(only_webhook(session, scope).id)
    save(admin, f"{page}/edit", form(header_secrets=f"{lines}\r\nHost: refused-value"))
    save(admin, f"{page}/edit", form(header_secrets="X-Shop: second-shop-value\r\nX-Other: [unchanged]"))
    save(admin, f"{page}/edit", form(url=f"{URL}?api_key=key-in-the-url", header_secrets="X-Shop: second-shop-value"))
    assert "second-shop-value" in admin.post(f"{page}/headers", page=page).text
    secrets += SECRET.findall(admin.post(f"{page}/secret", page=page).text)
    admin.post(f"{page}/rotate", page=page, seen="none")
    secrets += SECRET.findall(admin.post(f"{page}/secret", page=page).text)
    assert len(set(secrets)) == 2
    kept = logs_of(session, project)
    assert "/secret" in kept and "/headers" in kept and "header_secrets" in kept
    for secret in (*secrets, *values, "yyyyyyyy", "refused-value", "second-shop-value", "key-in-the-url"):
        assert secret not in kept and secret.replace("+", "%2B").replace("/", "%2F") not in kept, secret[:20]


def test_after_a_rotation_both_secrets_sign_and_a_second_press_does_nothing(
    engine: Engine, session: Session, scope: ProjectScope, admin: Visitor, base: str, receiver: Receiver
) -> None:
    made = make_target(session, scope, receiver.to("/200"))
    page = base + id_of(made.webhook_id)
    seen = re.search(r'name="seen" value="([^"]+)"', admin.get(page).text)
    assert seen is not None
    assert admin.post(f"{page}/rotate", page=page, seen=seen[1]).status_code == 302
    assert "signed with the one before as well" in admin.get(page).text
    session.rollback()
    secret = targets.read_secret(session, scope, SEAL, made.webhook_id)
    assert secret != made.secret
    admin.post(f"{page}/rotate", page=page, seen=seen[1])
    assert "so it was not done again" in admin.get(page).text
    session.rollback()
    assert targets.read_secret(session, scope, SEAL, made.webhook_id) == secret
    raise_many(session, scope, 1)
    deliver(engine)
    (arrival,) = receiver.at("/200")
    arrival.verify(secret)
    arrival.verify(made.secret)


def send_test(admin: Visitor, page: str) -> str:
    """The address of the page that shows what comes of it."""
    answer: TestResponse = admin.post(f"{page}/test", page=page)
    assert answer.status_code == 302
    return str(answer.location)


def test_a_test_event_shows_its_outcome(
    engine: Engine, session: Session, scope: ProjectScope, admin: Visitor, base: str, receiver: Receiver
) -> None:
    made = make_target(session, scope, receiver.to("/shop"))
    page = base + id_of(made.webhook_id)
    for behaviour, words in (("/202", ("Delivered", "202 Accepted")), ("/500", ("Not delivered", "500 Internal Server Error"))):
        receiver.switch("/shop", behaviour)
        shown = send_test(admin, page)
        waiting = admin.get(shown).text
        assert "Being sent" in waiting and "data-running" in waiting
        deliver(engine)
        outcome = admin.get(shown).text
        assert all(part in outcome for part in words) and "data-running" not in outcome
    arrival = receiver.at("/shop")[0]
    arrival.verify(made.secret)
    assert arrival.json["type"] == "webhook.test"
    webhook = only_webhook(session, scope)
    assert webhook.is_active and webhook.last_delivered_at is None, "a test counts neither for it nor against it"


def test_a_test_that_nobody_sends_says_so(session: Session, scope: ProjectScope, admin: Visitor, base: str) -> None:
    webhook_id = make_webhook(session, scope)
    long_ago = utc_now() - timedelta(minutes=1)
    sendout_id = raise_test(session, scope, webhook_id, long_ago)
    session.commit()
    page = admin.get(f"{base}{id_of(webhook_id)}?test={format_id(Prefix.SENDOUT, sendout_id)}").text
    assert "Nobody has taken it up yet" in page
    other = make_webhook(session, scope)
    session.commit()
    assert "Test event" not in admin.get(f"{base}{id_of(other)}?test={format_id(Prefix.SENDOUT, sendout_id)}").text
    assert admin.get(f"{base}{id_of(webhook_id)}?test=nonsense").status_code == 404


def deliver_some(engine: Engine, receiver: Receiver) -> int:
    """The loop may end before what is sent again in bulk was picked; then another goes on. Answers how many have arrived."""
    deliver(engine)
    return len(receiver.at("/200"))


def test_switched_on_again_it_offers_what_was_missed_and_sends_it(
    engine: Engine, session: Session, scope: ProjectScope, admin: Visitor, base: str, receiver: Receiver
) -> None:
    made = make_target(session, scope, receiver.to("/200"))
    page = base + id_of(made.webhook_id)
    assert admin.post(f"{page}/switch-off", page=page).status_code == 302
    assert "switched it off." in admin.get(page).text
    raise_many(session, scope, 3)
    deliver(engine)
    assert receiver.arrivals == []
    answer = admin.post(f"{page}/switch-on", page=page)
    offer = admin.get(str(answer.location)).text
    assert "It missed 3 while it was off" in offer and "Send again 3" in offer
    since = re.search(r'name="since" value="([^"]+)"', offer)
    assert since is not None
    resend_id = re.search(r'name="resend_id" value="([^"]+)"', offer)
    assert resend_id is not None
    given = {"since": since[1], "rate_per_s": "1000", "resend_id": resend_id[1]}
    for wrong in ({"rate_per_s": "0"}, {"rate_per_s": "many"}, {"since": ""}, {"resend_id": ""}):
        assert admin.post(f"{page}/send-missed", page=page, **(given | wrong)).status_code == 400, wrong
    for _ in range(2):
        sent = admin.post(f"{page}/send-missed", page=page, **given)
        assert sent.status_code == 302 and f"source_id={id_of(made.webhook_id)}" in str(sent.location)
    assert [line.id for line in list_resends(session, scope)] == [resend_id[1]]
    wait_for(lambda: deliver_some(engine, receiver) == 3)
    assert {sendout.status for sendout in sendouts(session, scope)} == {SendoutStatus.SENT}
    assert "It missed" not in admin.get(str(answer.location)).text, "nothing is left to be sent again"


def test_the_form_switches_on_with_the_same_offer(session: Session, scope: ProjectScope, admin: Visitor, base: str) -> None:
    webhook_id = make_webhook(session, scope)
    targets.switch_off(session, scope, webhook_id, "The target answered 410 Gone on 24 Nov 2026.", utc_now())
    make_sendout(session, scope, webhook_id, SendoutStatus.ERROR, created_at=utc_now())
    page = base + id_of(webhook_id)
    answer = save(admin, f"{page}/edit", form())
    assert "missed_since=" in str(answer.location)
    assert "It missed 1 while it was off" in admin.get(str(answer.location)).text


def test_a_test_that_failed_is_not_offered_as_missed(session: Session, scope: ProjectScope, admin: Visitor, base: str) -> None:
    webhook_id = make_webhook(session, scope)
    now = utc_now()
    for type, number in (("voucher.created", 2), ("webhook.test", 3)):
        for _ in range(number):
            make_sendout(session, scope, webhook_id, SendoutStatus.ERROR, created_at=now, type=type)
    offer = admin.get(f"{base}{id_of(webhook_id)}?missed_since={iso_utc(now - timedelta(hours=1))}").text
    assert "It missed 2 while it was off" in offer and "Send again 2" in offer


def test_who_saves_a_name_does_not_undo_what_switched_it_off_meanwhile(
    session: Session, scope: ProjectScope, admin: Visitor, base: str
) -> None:
    webhook_id = make_webhook(session, scope)
    session.commit()
    page = base + id_of(webhook_id)
    shown = re.search(r'name="shown_active"[^>]* value="([^"]*)"', admin.get(f"{page}/edit").text)
    assert shown is not None
    targets.switch_off(session, scope, webhook_id, "The target answered 410 Gone on 24 Nov 2026.", utc_now())
    session.commit()
    assert save(admin, f"{page}/edit", form(name="Store", shown_active=shown[1])).status_code == 302
    assert "It was switched off meanwhile, and stays so" in admin.get(page).text
    webhook = only_webhook(session, scope)
    assert (webhook.name, webhook.is_active, webhook.switched_off_reason) == (
        "Store",
        False,
        "The target answered 410 Gone on 24 Nov 2026.",
    )
    assert save(admin, f"{page}/edit", form()).status_code == 302
    assert only_webhook(session, scope).is_active, "shown as off and ticked, it is switched on"


def test_the_hundred_and_first_webhook_is_refused_in_words(session: Session, scope: ProjectScope, admin: Visitor, base: str) -> None:
    for _ in range(targets.MOST_WEBHOOKS):
        session.add(Webhook(project_id=scope.project_id, name="Shop", url=URL, sealed_secret=b""))
    session.commit()
    page = save(admin, f"{base}new", form())
    assert page.status_code == 400 and "A project has 100 webhooks at most; remove one" in page.text


def test_one_that_was_removed_keeps_its_page_and_nothing_can_be_done_with_it(
    session: Session, scope: ProjectScope, admin: Visitor, base: str
) -> None:
    webhook_id = make_webhook(session, scope)
    session.commit()
    page = base + id_of(webhook_id)
    assert admin.post(f"{page}/remove", page=page).status_code == 302
    assert "is removed" in admin.get(base).text
    shown = admin.get(page).text
    assert "Removed" in shown and "Show the secret" not in shown
    for change in (*CHANGES, "test", "send-missed"):
        assert admin.post(f"{page}/{change}", page="/account").status_code == 404, change


def test_a_key_that_has_changed_is_said_beside_what_can_be_read(session: Session, scope: ProjectScope, admin: Visitor, base: str) -> None:
    webhook_id = make_webhook(session, scope, headers=[("X-Shop", "acme")])
    session.flush()
    webhook = session.get_one(Webhook, (scope.project_id, webhook_id))
    webhook.sealed_headers = webhook.sealed_secret = b"\x01" + b"0" * 60
    session.commit()
    page = base + id_of(webhook_id)
    assert "another SECRET_KEY" in admin.get(page).text
    assert admin.get(f"{page}/edit").status_code == 200
    assert admin.post(f"{page}/secret", page=page).status_code == 503


def test_hostile_names_and_types_show_as_text(session: Session, scope: ProjectScope, admin: Visitor, base: str) -> None:
    webhook_id = make_webhook(session, scope, name="<script>alert(1)</script>\"'>")
    session.commit()
    for page in (base, base + id_of(webhook_id), f"{base}{id_of(webhook_id)}/edit"):
        assert "<script>alert" not in admin.get(page).text
