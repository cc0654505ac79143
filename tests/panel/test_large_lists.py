"""What is pasted into a form that starts a task may be as large as a file of it; what is larger is refused in the words of what it is."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from auditpanel.config import Settings
from auditpanel.filters import FilterSet, Span
from auditpanel.tasks.filters import TASK_FIELDS
from auditpanel.tasks.queries import list_tasks
from auditpanel.tasks.values import TaskType
from tests.panel.tasks_made import Desk, make_desk

MIB = 1024 * 1024


@pytest.fixture
def desk(app: Flask, session: Session, settings: Settings) -> Desk:
    return make_desk(app, session, settings)


def start(desk: Desk, type_: TaskType, *, encoding: str = "multipart/form-data", **fields: str) -> TestResponse:
    url = f"{desk.list_url}start?type={type_}"
    return desk.visitor.client.post(url, data={"csrf_token": desk.visitor.form_token(url), **fields}, content_type=encoding)


def test_a_pasted_list_of_several_mebibytes_is_taken(desk: Desk) -> None:
    rows = [{"code": f"A-{number}", "metadata": {"text": "x" * 1_000}} for number in range(3_000)]
    answer = start(desk, TaskType.VOUCHERS_BULK_UPDATE, text=json.dumps(rows))
    assert answer.status_code == 302, answer.text[:2_000]


def test_pasted_codes_of_several_mebibytes_are_taken(desk: Desk) -> None:
    codes = "\n".join(f"{number:040}" for number in range(60_000))
    answer = start(
        desk, TaskType.VOUCHERS_METADATA_UPDATE, encoding="application/x-www-form-urlencoded", named=codes, pairs="season = summer"
    )
    assert answer.status_code == 302, answer.text[:2_000]


def test_a_list_over_the_limit_is_refused_as_a_list_and_leaves_no_task(desk: Desk) -> None:
    for size in (32 * MIB + 1, 40 * MIB):
        answer = start(desk, TaskType.VOUCHERS_IMPORT, text="x" * size)
        assert answer.status_code == 413
        assert "The list is larger than 32 MiB; split it, and start a task with each part." in answer.text
    assert list_tasks(desk.session, desk.scope, FilterSet.parse([("range", "all")], TASK_FIELDS), Span(None, None)).lines == []
