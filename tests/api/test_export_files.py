"""The file of an export by its address: whole, in parts, with the right name; and for nobody whose token is not good for it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from auditpanel.accounts.keys import revoke_key
from auditpanel.accounts.models import Project
from auditpanel.downloads import exports_files
from auditpanel.exports.models import Export
from auditpanel.exports.queries import get_export
from auditpanel.exports.retention import remove_expired
from auditpanel.exports.tokens import CLIENT_LIFE, Download, Tokens
from auditpanel.ids import Prefix, parse_id
from auditpanel.logs.queries import get_log
from auditpanel.times import utc_now
from tests.api.calling import Caller, Json, caller_of, make_caller
from tests.api.exporting import asked, made, token_of, url_of
from tests.exports.asking import make_customers
from tests.factories import make_member, make_project
from tests.logs.making import find as find_logs


@pytest.fixture
def caller(caller: Caller, session: Session) -> Caller:
    make_customers(session, caller.scope, 20)
    return caller


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """Without any key."""
    return app.test_client()


def id_of(export: Json) -> UUID:
    return parse_id(Prefix.EXPORT, str(export["id"]))


def told(answer: TestResponse, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.get_json()["details"])


def test_the_address_is_enough_for_the_whole_file(app: Flask, caller: Caller, stranger: FlaskClient) -> None:
    export = made(app, caller)
    answer = stranger.get(url_of(export))
    assert (answer.status_code, len(answer.data), hashlib.sha256(answer.data).hexdigest()) == (200, export["bytes"], export["sha256"])
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == export["rows"] == 20
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (answer.headers["Accept-Ranges"], answer.headers["ETag"]) == ("bytes", f'"{export["sha256"]}"')
    name = answer.headers["Content-Disposition"]
    assert name.startswith("attachment; filename=customers-all-asked-") and name.endswith(".csv")


@pytest.mark.parametrize(
    ("parameters", "content_type", "extension"),
    [
        ({"format": "ndjson"}, "application/x-ndjson", ".ndjson"),
        ({"format": "xlsx"}, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
        ({"format": "parquet"}, "application/vnd.apache.parquet", ".parquet"),
        ({"gzip": True}, "application/gzip", ".csv.gz"),
    ],
)
def test_each_format_has_its_type_and_name(
    app: Flask, caller: Caller, stranger: FlaskClient, parameters: Json, content_type: str, extension: str
) -> None:
    answer = stranger.get(url_of(made(app, caller, "customer", **parameters)))
    assert answer.headers["Content-Type"] == content_type and answer.headers["Content-Disposition"].endswith(extension)
    assert "Content-Encoding" not in answer.headers
    if extension == ".csv.gz":
        assert gzip.decompress(answer.data).count(b"\n") == 21


def test_who_takes_plain_text_alone_is_sent_plain_text(app: Flask, caller: Caller, stranger: FlaskClient) -> None:
    url, packed = url_of(made(app, caller)), url_of(made(app, caller, gzip=True))
    for accept, content_type in (
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/plain, text/csv", "text/csv; charset=utf-8"),
        ("text/plain, */*", "text/csv; charset=utf-8"),
    ):
        assert stranger.get(url, headers={"Accept": accept}).headers["Content-Type"] == content_type
    assert stranger.get(packed, headers={"Accept": "text/plain"}).headers["Content-Type"] == "application/gzip"


def test_a_download_that_broke_off_goes_on(app: Flask, caller: Caller, stranger: FlaskClient) -> None:
    export = made(app, caller)
    url, size = url_of(export), int(str(export["bytes"]))
    whole, tag = stranger.get(url).data, f'"{export["sha256"]}"'
    for asked_for, start, stop in (
        ("bytes=100-", 100, size),
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        (f"bytes=10-{size * 2}", 10, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=-{size * 2}", 0, size),
    ):
        part = stranger.get(url, headers={"Range": asked_for, "If-Range": tag})
        assert (part.status_code, part.data) == (206, whole[start:stop]), asked_for
        assert part.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        assert part.headers["Content-Length"] == str(stop - start)


def test_what_is_no_part_of_this_file_is_answered_with_all_of_it(app: Flask, caller: Caller, stranger: FlaskClient) -> None:
    export = made(app, caller)
    for headers in (
        {"Range": "bytes=5-", "If-Range": '"another"'},
        {"Range": "bytes=5-", "If-Range": "Tue, 24 Nov 2026 15:42:08 GMT"},
        {"Range": "bytes=0-1,5-6"},
        {"Range": "rows=5-"},
        {"Range": "nonsense"},
        {"Range": "bytes=9-5"},
    ):
        answer = stranger.get(url_of(export), headers=headers)
        assert (answer.status_code, len(answer.data)) == (200, export["bytes"]), headers


def test_a_part_beyond_the_end_is_refused_with_the_size(app: Flask, caller: Caller, stranger: FlaskClient) -> None:
    export = made(app, caller)
    answer = stranger.get(url_of(export), headers={"Range": f"bytes={export['bytes']}-"})
    assert answer.headers["Content-Range"] == f"bytes */{export['bytes']}"
    assert told(answer, 416).startswith("Range: the file has ")


def test_a_file_whose_time_is_over_is_not_given_though_it_is_still_there(
    app: Flask, caller: Caller, stranger: FlaskClient, session: Session
) -> None:
    export = made(app, caller)
    session.execute(update(Export).where(Export.id == id_of(export)).values(expires_at=utc_now() - timedelta(seconds=1)))
    session.commit()
    assert "has expired" in told(stranger.get(url_of(export)), 404)
    assert caller.get(f"/exports/{export['id']}").get_json()["result"] is None


def test_head_tells_of_the_file_and_sends_nothing_of_it(app: Flask, caller: Caller, stranger: FlaskClient) -> None:
    export = made(app, caller)
    head = stranger.head(url_of(export), headers={"Range": "bytes=5-"})
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", str(export["bytes"]))
    assert head.headers["Accept-Ranges"] == "bytes" and "attachment" in head.headers["Content-Disposition"]


def test_who_has_the_file_already_is_not_sent_it_again(app: Flask, caller: Caller, stranger: FlaskClient) -> None:
    export = made(app, caller)
    answer = stranger.get(url_of(export), headers={"If-None-Match": f'"{export["sha256"]}"'})
    assert (answer.status_code, answer.data) == (304, b"")


def test_a_token_is_for_one_export_and_cannot_be_made_up(app: Flask, caller: Caller, stranger: FlaskClient) -> None:
    first, second = made(app, caller), made(app, caller)
    for token in (token_of(second), token_of(first)[:-1], "nonsense", "\x00"):
        answer = stranger.get(f"/v1/exports/{first['id']}", query_string={"token": token})
        assert told(answer, 404).startswith("This link is not for this export, or its time is over.")
        assert "customer-1" not in answer.text
    assert stranger.get("/v1/exports/nonsense", query_string={"token": token_of(first)}).status_code == 404
    assert told(stranger.get(f"/v1/exports/{first['id']}?token="), 401).startswith("X-App-Id and X-App-Token do not belong")


def test_a_key_of_ones_own_does_not_make_up_for_a_wrong_token(app: Flask, client: FlaskClient, caller: Caller, session: Session) -> None:
    export = made(app, caller)
    other = make_caller(client, session)
    assert told(caller.get(f"/exports/{export['id']}", token="nonsense"), 404).startswith("This link is not for")
    assert caller.get(f"/exports/{export['id']}", token=token_of(export)).status_code == 200
    assert other.get(f"/exports/{export['id']}", token=token_of(export)).status_code == 200


def test_a_token_opens_nothing_but_the_file(app: Flask, caller: Caller, stranger: FlaskClient) -> None:
    export = made(app, caller)
    token = {"token": token_of(export)}
    assert stranger.delete(f"/v1/exports/{export['id']}", query_string=token).status_code == 401
    for path in ("/v1/exports", "/v1/customers", f"/v1/async-actions/{export['id']}"):
        assert stranger.get(path, query_string=token).status_code == 401


def test_a_token_is_over_after_a_day_and_who_had_it_is_in_the_log(
    app: Flask, caller: Caller, session: Session, stranger: FlaskClient
) -> None:
    export = made(app, caller)
    given = Download(caller.scope.project_id, id_of(export), key_id=UUID(caller.headers["X-App-Id"]))
    old = Tokens(app.config["SECRET_KEY"]).sign(given, utc_now() - CLIENT_LIFE - timedelta(seconds=1))
    assert told(stranger.get(f"/v1/exports/{export['id']}", query_string={"token": old}), 404).endswith("for a new one.")
    (line,) = find_logs(session, caller.scope, status="404").lines
    assert (line.api_key, line.origin) == ("erp-sync", "SHOPIFY")
    assert old not in str(get_log(session, caller.scope, line.key.id))


def test_a_revoked_key_has_no_use_of_its_tokens(app: Flask, caller: Caller, session: Session, stranger: FlaskClient) -> None:
    export = made(app, caller)
    revoke_key(session, caller.scope.project_id, UUID(caller.headers["X-App-Id"]), utc_now())
    session.commit()
    assert told(stranger.get(url_of(export)), 401) == "The API key that this link was given to is revoked."
    assert find_logs(session, caller.scope, status="401").lines[0].api_key == "erp-sync"


def test_a_member_has_use_of_a_token_while_they_are_one(app: Flask, caller: Caller, session: Session, stranger: FlaskClient) -> None:
    export, project_id = made(app, caller), caller.scope.project_id
    outsider = make_member(session, make_project(session))
    session.commit()

    def get(user_id: UUID) -> TestResponse:
        token = Tokens(app.config["SECRET_KEY"]).sign(Download(project_id, id_of(export), user_id=user_id), utc_now())
        return stranger.get(f"/v1/exports/{export['id']}", query_string={"token": token})

    assert get(outsider.id).status_code == get(UUID(int=1)).status_code == 404
    member = make_member(session, session.get_one(Project, project_id))
    session.commit()
    assert get(member.id).status_code == 200
    (line, *_) = find_logs(session, caller.scope, user=member.email).lines
    assert (line.origin, line.status_code) == ("DASHBOARD", 200)


def test_what_has_no_file_says_why(app: Flask, caller: Caller, session: Session, stranger: FlaskClient) -> None:
    expired = made(app, caller)
    waiting = asked(caller)
    given = Download(caller.scope.project_id, id_of(waiting), key_id=UUID(caller.headers["X-App-Id"]))
    token = Tokens(app.config["SECRET_KEY"]).sign(given, utc_now())
    assert told(stranger.get(f"/v1/exports/{waiting['id']}", query_string={"token": token}), 404).startswith("The export is ")
    session.execute(update(Export).where(Export.id == id_of(expired)).values(expires_at=utc_now() - timedelta(seconds=1)))
    session.commit()
    with app.app_context():
        remove_expired(lambda: Session(session.get_bind()), exports_files(), utc_now())
    assert "has expired on" in told(stranger.get(url_of(expired)), 404)


def test_a_file_that_somebody_has_taken_away_is_told(app: Flask, caller: Caller, session: Session, stranger: FlaskClient) -> None:
    export = made(app, caller)
    record = get_export(session, caller.scope, id_of(export))
    assert record.file is not None
    with app.app_context():
        exports_files().remove(record.file)
    assert told(stranger.get(url_of(export)), 404).startswith("The file of this export is not there any more.")


def test_another_key_of_the_project_has_an_address_of_its_own(app: Flask, client: FlaskClient, caller: Caller, session: Session) -> None:
    export = made(app, caller)
    other = caller_of(client, session, caller.scope)
    theirs = other.get(f"/exports/{export['id']}").get_json()
    assert token_of(theirs) != token_of(export) and client.get(url_of(theirs)).status_code == 200
