from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from auditpanel.accounts import members, users
from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import scope_of_key, scope_of_project
from auditpanel.config import Settings
from auditpanel.embedded import POSTGRES
from auditpanel.ids import Prefix, format_id, parse_id
from auditpanel.logs.models import Log
from auditpanel.webhooks import targets
from auditpanel.webhooks.sealing import Seal
from tests.factories import PASSWORD, make_project, make_user
from tests.webhooks.sendout_making import due_of, make_sendout

LINE = '203.0.113.7 - nina [24/Nov/2026:12:00:{:02} +0100] "GET /v1/vouchers/{} HTTP/1.1" 200 512 "-" "curl/8.5"\n'


def test_create_project_prints_the_id_as_json(app: Flask, session: Session) -> None:
    result = _run(app, "create-project", "Acme Shop", "--timezone", "Europe/Warsaw")
    project = session.get(Project, parse_id(Prefix.PROJECT, json.loads(result.stdout)["id"]))
    assert project is not None and (project.name, project.time_zone) == ("Acme Shop", "Europe/Warsaw")


def test_create_user_reads_the_password_from_standard_input(app: Flask, session: Session) -> None:
    for arguments, superuser in ((["--superuser"], True), ([], False)):
        email = f"{uuid4().hex}@example.com"
        result = _run(app, "create-user", email, *arguments, stdin=f"{PASSWORD}\r\n")
        assert PASSWORD not in result.output
        user = users.find_by_password(session, email, PASSWORD)
        assert user is not None and user.is_superuser is superuser


def test_add_member_gives_a_user_a_role(app: Flask, session: Session) -> None:
    project, user = make_project(session), make_user(session)
    session.commit()
    _run(app, "add-member", _id(project), user.email, "--role", "operator")
    assert [(member.email, member.role) for member in members.list_members(session, project.id)] == [(user.email, Role.OPERATOR)]


def test_create_api_key_prints_a_key_that_opens_the_project(app: Flask, session: Session) -> None:
    project = make_project(session)
    session.commit()
    for arguments, origin in (([], "API"), (["--origin", "SHOPIFY"], "SHOPIFY")):
        key = json.loads(_run(app, "create-api-key", _id(project), "shop", *arguments).stdout)
        assert set(key) == {"app_id", "app_token"}
        scope = scope_of_key(session, key["app_id"], key["app_token"])
        assert (scope.project.project_id, scope.origin) == (project.id, origin)


def test_create_webhook_prints_its_id_and_the_secret_that_it_signs_with(app: Flask, session: Session) -> None:
    project = make_project(session)
    session.commit()
    scope = scope_of_project(project, Role.ADMIN)
    events = ["--event", "voucher.created", "--event", "order.paid"]
    for arguments, name, types in (
        ([], "shop.example.com", None),
        ([*events, "--name", "Shop"], "Shop", ["voucher.created", "order.paid"]),
    ):
        answer = json.loads(_run(app, "create-webhook", _id(project), "https://shop.example.com/hooks", *arguments).stdout)
        assert set(answer) == {"id", "secret"} and answer["secret"].startswith("whsec_")
        webhook_id = parse_id(Prefix.WEBHOOK, answer["id"])
        line = targets.get_webhook(session, scope, webhook_id).line
        assert (line.name, line.url, line.event_types, line.is_active) == (name, "https://shop.example.com/hooks", types, True)
        assert targets.read_secret(session, scope, Seal.of("of the tests"), webhook_id) == answer["secret"]


def test_create_webhook_refuses_an_address_of_the_inside_in_one_line(app: Flask, session: Session) -> None:
    project = make_project(session)
    session.commit()
    for url, says in (("http://127.0.0.1/hook", "url: 127.0.0.1 is a loopback address"), ("shop", 'url: "shop" is neither http nor https')):
        result = app.test_cli_runner().invoke(args=["create-webhook", _id(project), url])
        assert (result.exit_code, result.stdout) == (1, "") and says in result.stderr and len(result.stderr.splitlines()) == 1
    result = app.test_cli_runner().invoke(args=["create-webhook", _id(project), "https://shop.example.com", "--event", "paid"])
    assert result.exit_code == 1 and 'event_types: "paid" is not an event type' in result.stderr


def test_list_webhooks_prints_a_line_for_each_and_switch_webhook_turns_one_off_and_on(app: Flask, session: Session) -> None:
    project = make_project(session)
    session.commit()
    first, second = (
        json.loads(_run(app, "create-webhook", _id(project), "https://shop.example.com/hooks", "--name", name).stdout)["id"]
        for name in ("A", "B")
    )
    off = json.loads(_run(app, "switch-webhook", _id(project), first, "off").stdout)
    assert off == {"id": first, "active": False}
    lines = [json.loads(line) for line in _run(app, "list-webhooks", _id(project)).stdout.splitlines()]
    assert [(line["id"], line["name"], line["active"], line["event_types"]) for line in lines] == [
        (first, "A", False, None),
        (second, "B", True, None),
    ]
    assert "switch-webhook" in lines[0]["switched_off_reason"] and lines[0]["switched_off_at"] and lines[1]["switched_off_at"] is None
    scope = scope_of_project(project, Role.ADMIN)
    make_sendout(session, scope, parse_id(Prefix.WEBHOOK, first), created_at=datetime.now(UTC))
    on = json.loads(_run(app, "switch-webhook", _id(project), first, "on").stdout)
    assert (on["active"], on["missed"], on["missed_is_exact"]) == (True, 1, True) and on["missed_since"]
    lines = [json.loads(line) for line in _run(app, "list-webhooks", _id(project)).stdout.splitlines()]
    assert [line["active"] for line in lines] == [True, True]


def test_rotate_webhook_secret_prints_the_new_one_and_until_when_both_sign(app: Flask, session: Session) -> None:
    project = make_project(session)
    session.commit()
    made = json.loads(_run(app, "create-webhook", _id(project), "https://shop.example.com/hooks").stdout)
    rotated = json.loads(_run(app, "rotate-webhook-secret", _id(project), made["id"]).stdout)
    assert rotated["id"] == made["id"] and rotated["secret"].startswith("whsec_") and rotated["secret"] != made["secret"]
    assert datetime.fromisoformat(rotated["previous_secret_until"]) > datetime.now(UTC)
    scope, webhook_id = scope_of_project(project, Role.ADMIN), parse_id(Prefix.WEBHOOK, made["id"])
    assert targets.read_secret(session, scope, Seal.of("of the tests"), webhook_id) == rotated["secret"]


def test_test_webhook_makes_a_sendout_that_is_due(app: Flask, session: Session) -> None:
    project = make_project(session)
    session.commit()
    webhook_id = json.loads(_run(app, "create-webhook", _id(project), "https://shop.example.com/hooks").stdout)["id"]
    sendout_id = json.loads(_run(app, "test-webhook", _id(project), webhook_id).stdout)["sendout_id"]
    due = due_of(session, scope_of_project(project, Role.ADMIN))[parse_id(Prefix.SENDOUT, sendout_id)]
    assert (format_id(Prefix.WEBHOOK, due.webhook_id), due.asked_by) == (webhook_id, "command line")


@pytest.mark.parametrize("command", [["switch-webhook", "off"], ["rotate-webhook-secret"], ["test-webhook"]])
def test_commands_for_a_webhook_that_is_not_there_say_so_in_one_line(app: Flask, session: Session, command: list[str]) -> None:
    project = make_project(session)
    session.commit()
    name, *rest = command
    for webhook_id, says in (("wh_1", "is not an id; write it like wh_"), (format_id(Prefix.WEBHOOK, uuid4()), "no such webhook")):
        result = app.test_cli_runner().invoke(args=[name, _id(project), webhook_id, *rest])
        assert (result.exit_code, result.stdout) == (1, "") and says in result.stderr and len(result.stderr.splitlines()) == 1


def test_import_logs_counts_and_is_safe_to_run_twice(app: Flask, session: Session, tmp_path: Path) -> None:
    project = make_project(session)
    session.commit()
    file = tmp_path / "access.log"
    file.write_text("".join(LINE.format(second, second) for second in range(60)) + "no log line\n")
    first = _run(app, "import-logs", _id(project), str(file), "--format", "combined")
    assert first.stdout == "60 stored, 0 already there, 1 refused\n"
    assert "line 61: " in first.stderr
    second = _run(app, "import-logs", _id(project), str(file), "--format", "combined")
    assert second.stdout == "0 stored, 60 already there, 1 refused\n"
    assert session.scalar(select(func.count()).where(Log.project_id == project.id)) == 60


def test_import_logs_reads_standard_input(app: Flask, session: Session) -> None:
    project = make_project(session)
    session.commit()
    log = json.dumps({"occurred_at": datetime.now(UTC).isoformat(), "path": "/v1/orders", "status_code": 201})
    result = _run(app, "import-logs", _id(project), "-", "--format", "ndjson", stdin=f"{log}\n")
    assert result.stdout == "1 stored, 0 already there, 0 refused\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create-project", "Acme", "--timezone", "Warsaw"], 'time_zone: "Warsaw" is not a time zone'),
        (["create-user", "nina@example.com"], "password: a password takes 8 to 256 characters"),
        (["create-user", "nina"], 'email: "nina" is not an email address'),
        (["create-api-key", "proj_1", "shop"], '"proj_1" is not an id; write it like proj_'),
        (["create-api-key", "proj_01990000000070008000000000000000", "shop"], "There is no such project"),
        (["add-member", "proj_01990000000070008000000000000000", "x@example.com", "--role", "admin"], "There is no such project"),
    ],
)
def test_what_goes_wrong_is_one_line_and_status_1(app: Flask, arguments: list[str], says: str) -> None:
    result = app.test_cli_runner().invoke(args=arguments, input="short\n")
    assert result.exit_code == 1
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_a_file_of_another_format_is_told_in_one_line(app: Flask, session: Session, tmp_path: Path) -> None:
    project = make_project(session)
    session.commit()
    (tmp_path / "not.har").write_text("hello\n")
    result = app.test_cli_runner().invoke(args=["import-logs", _id(project), str(tmp_path / "not.har"), "--format", "har"])
    assert result.exit_code == 1
    assert "this is not a HAR file" in result.stderr
    assert "Traceback" not in result.output


def test_prepare_makes_the_superuser_and_the_demo_once(settings: Settings, tmp_path: Path) -> None:
    """In a process and a database of its own: the first start is one of an empty database."""
    database = _new_database(settings)
    environment = {
        **os.environ,
        "DATABASE_URL": database,
        "REDIS_URL": settings.redis_url or "",
        "AUDITPANEL_DATA": str(tmp_path),
        "AUDITPANEL_ADMIN_PASSWORD": "",
    }
    first = _flask(environment, "prepare")
    password = first.removeprefix("Log in as admin@localhost with the password ").strip()
    assert _flask(environment, "prepare") == ""
    with Session(create_engine(database)) as session:
        admin = users.find_by_password(session, "admin@localhost", password)
        assert admin is not None and admin.is_superuser
        assert [project.name for project in members.list_projects(session, admin.id, is_superuser=True)] == [
            "Acme Shop (demo)",
            "Auditpanel itself",
        ]


def test_a_command_without_servers_runs_its_own_and_tells_what_is_missing_in_one_line(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    result = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "create-project", "Acme", "--timezone", "UTC"],
        env={**environment, "AUDITPANEL_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == "Error: the database has no tables yet: run make up once, or flask --app wsgi db upgrade\n"
    assert not POSTGRES.answers(tmp_path)


def _run(app: Flask, *arguments: str, stdin: str = "") -> Result:
    result = app.test_cli_runner().invoke(args=arguments, input=stdin)
    assert result.exit_code == 0, result.output
    return result


def _id(project: Project) -> str:
    return format_id(Prefix.PROJECT, project.id)


def _new_database(settings: Settings) -> str:
    assert settings.database_url is not None
    name = f"cli_{uuid4().hex}"
    scheme, url = "postgresql+psycopg://", settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    current = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, user="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" OWNER auditpanel')
    before, _, after = url.rpartition(f"/{current}")
    return f"{before}/{name}{after}".replace("postgresql://", scheme)


def _flask(environment: dict[str, str], *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
