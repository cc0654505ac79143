from __future__ import annotations

import pytest

from auditpanel.tasks.values import Refused
from auditpanel.tasks.wording import pattern_in_like, reason_pattern


@pytest.mark.parametrize(
    ("column", "value", "reason", "pattern"),
    [
        ("Code", "A-1", 'Code: "A-1" exists already; each once', 'Code: "…" exists already; each once'),
        ("Code", 'a"b"c', 'Code: "a"b"c" exists already', 'Code: "…" exists already'),
        ("line_1", "x", 'line_1: "x" is in line 45,210 too; each once', 'line_1: "…" is in line … too; each once'),
        ("Value", "15.00", 'Value: "15.00" is no amount; write 1500 for 15.00', 'Value: "…" is no amount; write … for …'),
        ("End", "1", 'End: "1" is no date in ISO 8601; write it', 'End: "…" is no date in ISO 8601; write it'),
        ("End", "1", 'End: "1" is not after the start, 2026-11-25T00:00:00Z; it ends', 'End: "…" is not after the start, …; it ends'),
        (None, None, "has 6 cells, but the header 5 columns", "has … cells, but the header … columns"),
    ],
)
def test_a_pattern_leaves_out_what_differs_from_row_to_row(column: str | None, value: str | None, reason: str, pattern: str) -> None:
    assert reason_pattern(Refused(2, {}, reason, column, value)) == pattern


def test_a_pattern_is_taken_literally_but_for_its_gaps() -> None:
    assert pattern_in_like('100%_\\: "…" is wrong') == '100\\%\\_\\\\: "%" is wrong'
    assert pattern_in_like("x" * 300).endswith("x%")
