from __future__ import annotations

import pytest

from auditpanel.logs.redaction import Redactor
from auditpanel.logs.task_secrets import redacted_parameters, redacted_row
from auditpanel.tasks.values import Refused

MARK = "[redacted, 13 characters]"


def shown(row: Refused, *paths: str) -> Refused:
    return redacted_row(Redactor.of(paths), row)


def test_a_secret_in_a_refused_row_is_hidden_in_content_value_and_reason() -> None:
    told = Refused(2, {"Code": "A", "Password": "hunter2secret"}, 'Password: "hunter2secret" is too short', "Password", "hunter2secret")
    assert shown(told) == Refused(2, {"Code": "A", "Password": MARK}, f'Password: "{MARK}" is too short', "Password", MARK)


def test_a_reason_that_shows_the_beginning_of_a_secret_does_not_any_more() -> None:
    secret = "s" * 250
    cut = f"{secret[:199]}…"
    row = shown(Refused(2, {"token": secret}, f'token: "{cut}" is too long', "token", cut))
    assert "sss" not in row.reason + (row.value or "") and row.reason.endswith('" is too long')


@pytest.mark.parametrize("path", ["metadata.pin", "[*].metadata.pin", "$.metadata.pin"])
def test_the_paths_of_a_project_hold_for_rows_of_lists_and_columns_of_files(path: str) -> None:
    body = shown(Refused(1, {"code": "A", "metadata": {"pin": 4321}}, "metadata.pin: 4321 is not a text", "metadata.pin", "4321"), path)
    assert body.content == {"code": "A", "metadata": {"pin": "[redacted, 4 characters]"}} and "4321" not in body.reason + str(body.value)
    file = shown(Refused(2, {"Code": "A", "pin": "12"}, 'pin: "12" is too short', "pin", "12"), "metadata.pin")
    assert "12" not in file.reason.replace("[redacted, 2 characters]", "") and file.value == "[redacted, 2 characters]"


def test_what_is_no_secret_stays_as_it_was() -> None:
    row = Refused(7, {"Code": "A-1", "Value": "15.00"}, 'Value: "15.00" is not whole; write 1500 for 15.00', "Value", "15.00")
    assert shown(row) == row
    assert redacted_parameters(Redactor(), {"metadata": {"season": "summer"}, "vouchers_count": 5, "key": "vip"}) == {
        "metadata": {"season": "summer"},
        "vouchers_count": 5,
        "key": "vip",
    }


def test_parameters_are_hidden_by_the_paths_of_their_own_body() -> None:
    told: dict[str, object] = {"changes": {"metadata": {"pin": "4321"}}, "metadata": {"api_key": "abcdefghijklm"}}
    assert redacted_parameters(Redactor.of(["metadata.pin"]), told) == {
        "changes": {"metadata": {"pin": "[redacted, 4 characters]"}},
        "metadata": {"api_key": MARK},
    }
