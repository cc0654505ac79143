from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditpanel.panel.next_page import next_page

PANEL = "https://audit.example"


@given(st.text(alphabet="/\\:@.?#%\t\n\r \x00aeh\u2028", max_size=12) | st.text(max_size=40))
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("https://evil.example")
@example("javascript:alert(1)")
def test_a_login_never_leads_to_another_site(wanted: str) -> None:
    assert urlsplit(_as_a_browser_reads(next_page(wanted))).netloc == "audit.example"


@pytest.mark.parametrize("path", ["/", "/projects/proj_1/logs/?origin=SHOPIFY&match=any", "/a//b", "/login?next=//evil.example"])
def test_a_path_of_the_panel_is_kept(path: str) -> None:
    assert next_page(path) == path


@pytest.mark.parametrize("wanted", [None, "", "logs/", "?a=b", "/" + "x" * 5_000])
def test_anything_else_leads_to_the_start_page(wanted: str | None) -> None:
    assert next_page(wanted) == "/"


def _as_a_browser_reads(location: str) -> str:
    """The WHATWG URL standard: spaces around are cut off, tabs and line breaks left out, and a backslash is a slash."""
    location = re.sub(r"[\t\n\r]", "", location.strip("".join(map(chr, range(33))))).replace("\\", "/")
    return urljoin(PANEL, location)
