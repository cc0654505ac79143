"""A caller of the API with a key of a project of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from auditpanel.accounts.keys import create_key
from auditpanel.accounts.scope import ProjectScope
from tests.logs.making import make_scope

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Caller:
    http: FlaskClient
    scope: ProjectScope
    headers: dict[str, str]

    def get(self, path: str, **query: str) -> TestResponse:
        return self.http.get(f"/v1{path}", headers=self.headers, query_string=query)

    def post(self, path: str, body: object = None, **headers: str) -> TestResponse:
        return self._send("POST", path, body, headers)

    def put(self, path: str, body: object) -> TestResponse:
        return self._send("PUT", path, body, {})

    def delete(self, path: str) -> TestResponse:
        return self.http.delete(f"/v1{path}", headers=self.headers)

    def upload(self, path: str, content: bytes, name: str = "codes.csv") -> TestResponse:
        return self.http.post(f"/v1{path}", headers=self.headers, data={"file": (BytesIO(content), name)})

    def _send(self, method: str, path: str, body: object, headers: dict[str, str]) -> TestResponse:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.http.open(f"/v1{path}", method=method, data=data, headers=self.headers | {"Content-Type": "application/json"} | headers)


def make_caller(client: FlaskClient, session: Session) -> Caller:
    project = make_scope(session)
    return caller_of(client, session, project)


def caller_of(client: FlaskClient, session: Session, scope: ProjectScope) -> Caller:
    key = create_key(session, scope.project_id, "erp-sync", "SHOPIFY")
    session.commit()
    return Caller(client, scope, {"X-App-Id": key.app_id, "X-App-Token": key.app_token})


def discount_voucher(code: str | None = "SUMMER-1", **fields: object) -> Json:
    named: Json = {} if code is None else {"code": code}
    return {**named, "type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}, **fields}


def discount_campaign(name: str = "Summer", **fields: object) -> Json:
    voucher = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 1000}, "code_config": {"pattern": "SU-######"}}
    return {"name": name, "campaign_type": "DISCOUNT_COUPONS", "type": "STATIC", "voucher": voucher, **fields}
