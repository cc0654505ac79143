"""A call copied as cURL: a real bash takes the command apart, and nothing but `curl` is called, with what was recorded."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditpanel.logs.values import Headers, LogRecord
from auditpanel.panel.curl import as_curl, quote_for_shell
from tests.panel.recorded import make_message, make_record

BASE_URL = "https://api.example.com"
SHELL_TRAPS = [
    "'",
    '"',
    "$(touch ran)",
    "`touch ran`",
    "\n touch ran\n",
    ";touch ran;",
    "\\",
    "!!",
    "\r",
    "\x1b[201~",
    "\x03",
    "\t",
    "$'",
    "\u202e",
    "#",
]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
HOSTILE_TEXT = st.lists(st.sampled_from(SHELL_TRAPS) | ANY_TEXT, min_size=1).map("".join).filter(bool)


def make_call(
    *,
    method: str = "POST",
    path: str = "/v1/vouchers",
    query: str | None = None,
    headers: Headers | None = None,
    body: str | None = None,
    size_bytes: int | None = None,
) -> LogRecord:
    headers = [("Content-Type", "application/json")] if headers is None else headers
    return make_record(method=method, path=path, query=query, request=make_message(body, headers=headers, size_bytes=size_bytes))


def run_in_bash(command: str, folder: Path, **variables: str) -> list[str]:
    """The arguments with which bash would call cURL."""
    script = 'curl() { printf "%s\\0" "$@"; }\n' + command
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **variables}
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, capture_output=True, check=True, timeout=30)
    assert done.stderr == b""
    assert not list(folder.iterdir())
    return done.stdout.decode().split("\0")[:-1]


def value_after(arguments: list[str], option: str) -> str:
    return arguments[arguments.index(option) + 1]


@settings(max_examples=150, deadline=None)
@given(HOSTILE_TEXT)
def test_a_hostile_body_arrives_as_it_was_and_runs_nothing(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    folder = tmp_path_factory.mktemp("shell")
    arguments = run_in_bash(as_curl(make_call(body=body), BASE_URL), folder)
    assert value_after(arguments, "--data-raw") == body


@settings(max_examples=60, deadline=None)
@given(HOSTILE_TEXT, HOSTILE_TEXT, HOSTILE_TEXT, HOSTILE_TEXT)
def test_hostile_methods_paths_queries_and_headers_run_nothing(
    tmp_path_factory: pytest.TempPathFactory, method: str, path: str, query: str, value: str
) -> None:
    folder = tmp_path_factory.mktemp("shell")
    record = make_call(method=method, path=path, query=query, headers=[("X-Value", value), (value, "x")])
    arguments = run_in_bash(as_curl(record, BASE_URL), folder)
    assert value_after(arguments, "-X") == method
    assert sum(argument.startswith(f"{BASE_URL}/") for argument in arguments) == 1


@given(HOSTILE_TEXT)
def test_a_quoted_word_holds_no_character_that_a_terminal_acts_on(text: str) -> None:
    assert not [character for character in quote_for_shell(text) if ord(character) < 32 or ord(character) == 127]


def test_redacted_headers_become_shell_variables(tmp_path: Path) -> None:
    headers = [
        ("X-App-Token", "[redacted, 36 characters]"),
        ("Authorization", "Bearer [redacted, 40 characters]"),
        ("X-Path", "[redacted, 4 characters]"),
    ]
    command = as_curl(make_call(headers=headers), BASE_URL)
    assert '-H "X-App-Token: $APP_TOKEN"' in command
    assert "redacted" not in command
    arguments = run_in_bash(command, tmp_path, APP_TOKEN="t o", AUTHORIZATION="abc")
    assert [argument for argument in arguments if ": " in argument] == ["X-App-Token: t o", "Authorization: Bearer abc", "X-Path: "]


def test_headers_of_the_connection_are_left_out() -> None:
    headers = [("Host", "a.example"), ("Content-Length", "3"), ("Connection", "close"), ("Accept", "*/*")]
    command = as_curl(make_call(headers=headers), BASE_URL)
    assert command == "curl -X POST https://api.example.com/v1/vouchers \\\n  -H 'Accept: */*'"


def test_a_cut_body_is_said_in_a_comment() -> None:
    command = as_curl(make_call(body="x" * 65_536, size_bytes=217_000), BASE_URL)
    assert command.startswith("# Cut at 64 KiB of 212 KiB: the body below is not complete\ncurl ")


def test_a_header_that_would_become_two_is_left_out_and_said() -> None:
    command = as_curl(make_call(headers=[("X-A", "1\r\nX-B: 2"), ("@/etc/passwd", "x")]), BASE_URL)
    assert command == "# Headers left out because no client may send them: 2\ncurl -X POST https://api.example.com/v1/vouchers"


def test_a_path_cannot_change_the_host() -> None:
    for path in ("@other.example/", "//other.example", "\\@other.example", ".other.example"):
        assert "https://api.example.com/" in as_curl(make_call(path=path), BASE_URL)


def test_an_empty_header_is_sent_empty(tmp_path: Path) -> None:
    assert "X-Empty;" in run_in_bash(as_curl(make_call(headers=[("X-Empty", "")]), BASE_URL), tmp_path)


def test_a_body_without_a_type_is_not_sent_as_a_form() -> None:
    assert "-H 'Content-Type:'" in as_curl(make_call(headers=[], body="x"), BASE_URL)


def test_a_query_keeps_its_encoding_and_brackets() -> None:
    command = as_curl(make_call(method="GET", query="name=A%20B&ids[]=1"), BASE_URL)
    assert command.startswith("curl --globoff -X GET 'https://api.example.com/v1/vouchers?name=A%20B&ids[]=1'")
