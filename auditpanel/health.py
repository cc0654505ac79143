"""`/healthz`: the process lives. `/readyz`: the database and Redis answer."""

from __future__ import annotations

import redis
from flask import Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from auditpanel.extensions import db

TIMEOUT_S = 2


def register(app: Flask) -> None:
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)


def healthz() -> ResponseReturnValue:
    return jsonify(status="ok")


def readyz() -> ResponseReturnValue:
    parts = {"database": _database_answers(), "redis": _redis_answers()}
    return jsonify(status="ok" if all(parts.values()) else "unavailable", **parts), 200 if all(parts.values()) else 503


def _database_answers() -> bool:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _redis_answers() -> bool:
    url = current_app.config["REDIS_URL"]
    try:
        with redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S) as connection:
            return bool(connection.ping())
    except redis.RedisError:
        return False
