"""A small panel, to start and stop as the real one is: one route, and the command that every start runs."""

from __future__ import annotations

import os
import sys

import psycopg
from flask import Flask

app = Flask(__name__)


def connect() -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(os.environ["DATABASE_URL"].replace("+psycopg", ""), connect_timeout=2)


@app.cli.command("prepare")
def prepare() -> None:
    if "PREPARE_FAILS" in os.environ:
        sys.exit(3)
    with connect() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS starts (at timestamptz NOT NULL)")
        connection.execute("INSERT INTO starts VALUES (now())")
    print("user: admin@localhost")


@app.get("/healthz")
def healthz() -> str:
    return "lives"


@app.get("/starts")
def starts() -> str:
    with connect() as connection:
        row = connection.execute("SELECT count(*) FROM starts").fetchone()
    return str(row and row[0])
