"""What is said of an export that was deleted: there was not always a file."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.config import Settings
from auditpanel.times import utc_now
from tests.pages import shown_text
from tests.panel.exports_made import Desk, make_desk


@pytest.fixture
def desk(app: Flask, session: Session, engine: Engine, settings: Settings) -> Desk:
    desk = make_desk(app, session, engine, settings)
    desk.make_customers(3)
    return desk


def delete(desk: Desk, export_id: str) -> str:
    """The page of the export after that."""
    desk.visitor.post(desk.url(export_id, "/delete"), page=desk.url(export_id))
    return shown_text(desk.visitor.get(desk.url(export_id)))


def test_a_file_that_was_there_is_deleted(desk: Desk) -> None:
    done = desk.make_done()
    page = delete(desk, done.line.id)
    assert "its file is gone" in page and "The file is deleted." in page
    assert f"The file was deleted by {desk.email}" in shown_text(desk.visitor.get(desk.url(done.line.id, "/rows")))


def test_one_that_is_not_ready_is_stopped(desk: Desk) -> None:
    waiting = desk.read(desk.ask())
    page = delete(desk, waiting.line.id)
    assert "The export is stopped: there was no file" in page and "The file is deleted." not in page
    assert "The export is deleted." in page and "before it was ready" in page
    rows = shown_text(desk.visitor.get(desk.url(waiting.line.id, "/rows")))
    assert f"The export was deleted by {desk.email}" in rows and "before it was ready" in rows


def test_one_that_has_failed_still_says_why(desk: Desk) -> None:
    failed = desk.read(desk.ask())
    desk.change(failed.line.key.id, status="ERROR", error="It was too long.", finished_at=utc_now())
    page = delete(desk, failed.line.id)
    assert "The export is deleted: there was no file" in page and "The file is deleted." not in page
    assert "when it had failed" in page and "It was too long." in page


def test_one_that_has_expired_had_no_file_any_more(desk: Desk) -> None:
    done = desk.make_done()
    desk.change(done.line.key.id, expires_at=utc_now() - timedelta(minutes=1))
    page = delete(desk, done.line.id)
    assert "there was no file" in page and "The file is deleted." not in page and "when its file had expired" in page
    assert "has expired on" in shown_text(desk.visitor.get(desk.url(done.line.id, "/rows")))
