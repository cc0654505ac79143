from __future__ import annotations

import pytest

from tests.pages import check_page, find_faults

PAGE = '<!doctype html><html lang="en"><head><title>Logs</title></head><body><h1>Logs</h1>{}</body></html>'


def test_a_good_page_has_no_fault() -> None:
    check_page(PAGE.format('<p id="a">A &amp; B</p><label for="b">C</label><input id="b">'))


@pytest.mark.parametrize(
    "piece, fault",
    [
        ("<p><div></p></div>", "end tag"),
        ('<i id="a"></i><b id="a"></b>', '"a" stands on 2 elements'),
        ("<script>go()</script>", "its code in the page"),
        ("<style>p {}</style>", "its code in the page"),
        ('<p style="color: red">x</p>', "code in an attribute"),
        ('<p onclick="go()">x</p>', "code in an attribute"),
        ('<a href="javascript:go()">x</a>', "leads to code"),
        ('<label for="none">x</label>', "not on the page"),
        ("<h1>Again</h1>", "2 h1"),
    ],
)
def test_a_fault_is_found(piece: str, fault: str) -> None:
    assert any(fault in found for found in find_faults(PAGE.format(piece)))


def test_title_and_lang_are_asked_for() -> None:
    assert find_faults("<!doctype html><html><head></head><body><h1>x</h1></body></html>") == [
        "<html> names no lang",
        "the page has no title",
    ]
