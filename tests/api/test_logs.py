from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from auditpanel.accounts.keys import create_key, revoke_key
from auditpanel.accounts.scope import ProjectScope
from auditpanel.times import iso_utc, utc_now
from tests.logs.making import find, make_scope


@dataclass(frozen=True, slots=True)
class ApiClient:
    http: FlaskClient
    scope: ProjectScope
    headers: dict[str, str]

    def get(self, path: str, **query: str) -> TestResponse:
        return self.http.get(f"/v1{path}", headers=self.headers, query_string=query)

    def post_logs(self, body: object, **headers: str) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.post("/v1/logs", data=data, headers=self.headers | {"Content-Type": "application/json"} | headers)


@pytest.fixture
def api(client: FlaskClient, session: Session) -> ApiClient:
    return make_api_client(client, session)


def make_api_client(client: FlaskClient, session: Session) -> ApiClient:
    scope = make_scope(session)
    key = create_key(session, scope.project_id, "erp-sync", "API")
    session.commit()
    return ApiClient(client, scope, {"X-App-Id": key.app_id, "X-App-Token": key.app_token})


def log(**fields: object) -> dict[str, object]:
    return {"occurred_at": iso_utc(utc_now() - timedelta(minutes=1)), "path": "/v1/orders", "status_code": 201} | fields


def test_a_batch_is_stored_and_found(api: ApiClient) -> None:
    answer = api.post_logs([log(), log(status_code=500)])
    assert (answer.status_code, answer.json) == (202, {"stored": 2, "duplicates": 0, "refused": []})
    found = api.get("/logs", path_contains="/v1/orders", result="failure").get_json()
    assert (found["object"], found["data_ref"], found["total"]) == ("list", "logs", 1)
    assert found["logs"][0]["status_code"] == 500
    record = api.get(f"/logs/{found['logs'][0]['id']}").get_json()
    assert (record["object"], record["path"], record["result"], record["request_headers"]) == ("log", "/v1/orders", "failure", [])


def test_ndjson_and_gzip_are_taken(api: ApiClient) -> None:
    lines = b"\n".join(json.dumps(log()).encode() for _ in range(3))
    assert api.post_logs(lines).get_json()["stored"] == 3
    assert api.post_logs(gzip.compress(lines), **{"Content-Encoding": "gzip"}).get_json()["stored"] == 3


def test_bad_records_are_refused_one_by_one_and_the_others_stored(api: ApiClient) -> None:
    answer = api.post_logs([log(), {"path": "/x"}, log(occurred_at="1990-01-01T00:00:00Z"), log(colour="red"), log()])
    body = answer.get_json()
    assert (answer.status_code, body["stored"]) == (202, 2)
    assert [refusal["index"] for refusal in body["refused"]] == [1, 2, 3]
    assert "occurred_at" in body["refused"][0]["reason"]
    assert "before 2000" in body["refused"][1]["reason"]
    assert "colour" in body["refused"][2]["reason"]


def test_a_batch_sent_again_is_stored_once(api: ApiClient) -> None:
    batch = [log(id=str(uuid4())) for _ in range(10)]
    assert api.post_logs(batch).get_json() == {"stored": 10, "duplicates": 0, "refused": []}
    assert api.post_logs(batch).get_json() == {"stored": 0, "duplicates": 10, "refused": []}


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"{]", "identity", 400),
        (b"", "identity", 400),
        (b'"text"', "identity", 400),
        (b"not gzip", "gzip", 400),
        (gzip.compress(b"[]")[:-6], "gzip", 400),
        (b"[]", "br", 400),
        (b"[" + b"0," * 1001 + b"0]", "identity", 400),
        (gzip.compress(b" " * (130 * 1024 * 1024)), "gzip", 413),
        (b"x" * (33 * 1024 * 1024), "identity", 413),
    ],
    ids=["no JSON", "empty", "a text", "no gzip", "cut gzip", "brotli", "too many", "a gzip bomb", "too large"],
)
def test_a_body_that_cannot_be_taken_is_told_why(api: ApiClient, body: bytes, encoding: str, status: int) -> None:
    answer = api.post_logs(body, **{"Content-Encoding": encoding})
    assert answer.status_code == status
    error = answer.get_json()
    assert error["code"] == status
    assert error["details"]
    assert error["request_id"].startswith("v-")


def test_an_empty_batch_is_no_error(api: ApiClient) -> None:
    assert api.post_logs([]).get_json() == {"stored": 0, "duplicates": 0, "refused": []}


def test_pages_follow_by_cursor(api: ApiClient) -> None:
    api.post_logs([log(path=f"/page/{n}") for n in range(7)])
    seen, cursor = [], ""
    while True:
        answer = api.get("/logs", path_contains="/page/", limit="3", **({"cursor": cursor} if cursor else {})).get_json()
        seen += [line["path"] for line in answer["logs"]]
        assert answer["total"] == 7
        if not answer["cursor"]:
            break
        cursor = answer["cursor"]
    assert sorted(seen) == [f"/page/{n}" for n in range(7)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"origin": "SHOP"}, "origin"),
        ({"limit": "101"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"colour": "red"}, "colour"),
        ({"created_after": "2026-02-30"}, "created_after"),
    ],
)
def test_a_query_that_cannot_be_read_is_told_where(api: ApiClient, query: dict[str, str], words: str) -> None:
    answer = api.get("/logs", **query)
    assert answer.status_code == 400
    assert answer.get_json()["details"].startswith(words)


def test_an_unknown_or_foreign_log_is_not_found(api: ApiClient, client: FlaskClient, session: Session) -> None:
    other = make_api_client(client, session)
    other.post_logs([log(path="/theirs")])
    theirs = other.get("/logs", path_contains="/theirs").get_json()["logs"][0]["id"]
    assert other.get(f"/logs/{theirs}").status_code == 200
    unknown = [api.get(f"/logs/{log_id}") for log_id in (theirs, theirs[:-1] + "0", "log_x", "log_" + "f" * 32)]
    assert [answer.status_code for answer in unknown] == [404] * 4


def test_a_wrong_or_revoked_key_is_refused_and_the_try_is_a_log(api: ApiClient, session: Session) -> None:
    wrong = api.http.get("/v1/logs", headers=api.headers | {"X-App-Token": "guess"})
    assert wrong.status_code == 401
    (line,) = find(session, api.scope, status="401").lines
    assert (line.path, line.api_key, line.error) == ("/v1/logs", "erp-sync", "unauthorized")
    revoke_key(session, api.scope.project_id, UUID(api.headers["X-App-Id"]), utc_now())
    session.commit()
    assert api.get("/logs").status_code == 401


def test_no_key_is_refused(client: FlaskClient) -> None:
    assert client.get("/v1/logs").status_code == 401
    assert client.get("/v1/logs", headers={"X-App-Id": "x", "X-App-Token": "ż"}).status_code == 401


def test_each_call_is_a_log_when_its_answer_has_come(api: ApiClient, session: Session) -> None:
    answer = api.get("/logs", origin="SHOPIFY")
    (line,) = find(session, api.scope, path_contains="/v1/logs").lines
    assert (line.method, line.status_code, line.origin, line.api_key) == ("GET", 200, "API", "erp-sync")
    assert line.route == "GET /v1/logs"
    assert line.request_id == answer.headers["X-Request-Id"]
    assert line.duration_ms is not None


def test_a_batch_that_is_taken_whole_makes_no_log_of_its_own(api: ApiClient, session: Session) -> None:
    api.post_logs([log()])
    assert find(session, api.scope, path_contains="/v1/logs").lines == []
    api.post_logs([log(), {}])
    (line,) = find(session, api.scope, path_contains="/v1/logs").lines
    assert (line.method, line.status_code) == ("POST", 202)


def test_a_search_through_bodies_does_not_find_itself(api: ApiClient, session: Session) -> None:
    api.post_logs([log(response_body="needle")])
    for _ in range(2):
        assert len(api.get("/logs", response_text="needle").get_json()["logs"]) == 1


def test_a_refused_call_shows_its_error(api: ApiClient, session: Session) -> None:
    api.get("/logs", origin="SHOP")
    (line,) = find(session, api.scope, status="400").lines
    assert line.error == "invalid_payload"
