"""What holds for every page of the panel. Any test that fetches one checks it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from xml.etree.ElementTree import Element

import html5lib
from flask.testing import FlaskClient
from html5lib.constants import E as PARSE_ERRORS
from werkzeug.test import TestResponse

_MARGIN_CHARACTERS = 60


class PageCheckingClient(FlaskClient):
    """A client that takes no page with a fault in it."""

    def open(self, *args: object, **kwargs: object) -> TestResponse:
        answer = super().open(*args, **kwargs)  # type: ignore[arg-type]
        if is_page(answer):
            faults = find_faults(answer.text)
            assert not faults, f"{answer.request.method} {answer.request.path} is a page with faults:\n" + "\n".join(faults)
        return answer


def is_page(answer: TestResponse) -> bool:
    """Not a redirect, which nobody sees, nor the rows alone that a search fetches for the page it stands on."""
    is_redirect = 300 <= answer.status_code < 400
    is_fragment = "X-Fragment" in answer.request.headers
    return answer.mimetype == "text/html" and answer.request.method != "HEAD" and not is_redirect and not is_fragment


def shown_text(answer: TestResponse) -> str:
    """The words of a page, without what marks them up."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text))


def check_page(html: str) -> None:
    faults = find_faults(html)
    assert not faults, "\n".join(faults)


def find_faults(html: str) -> list[str]:
    """Each as a sentence; none for a good page."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    root = parser.parse(html)
    faults = [f"line {place[0]}: {PARSE_ERRORS[code] % values} {_near(html, place)}" for place, code, values in parser.errors]
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    return [*faults, *_faults_of_head(root, elements), *_faults_of_ids(elements), *_inline_code(elements)]


def _near(html: str, place: tuple[int, int]) -> str:
    line, column = place
    return repr(html.split("\n")[line - 1][max(0, column - _MARGIN_CHARACTERS) : column])


def _faults_of_head(root: Element, elements: list[Element]) -> Iterable[str]:
    if not root.get("lang"):
        yield "<html> names no lang"
    if not (root.findtext("head/title") or "").strip():
        yield "the page has no title"
    headings = sum(element.tag == "h1" for element in elements)
    if headings != 1:
        yield f"the page has {headings} h1; it should have one"


def _faults_of_ids(elements: list[Element]) -> Iterable[str]:
    ids = Counter(element.get("id") for element in elements if element.get("id") is not None)
    for name, count in ids.items():
        if count > 1:
            yield f'the id "{name}" stands on {count} elements'
    for element in elements:
        for attribute in ("for", "aria-labelledby", "aria-describedby", "popovertarget", "list"):
            for name in (element.get(attribute) or "").split():
                if name not in ids:
                    yield f'<{element.tag} {attribute}="{name}"> names an id that is not on the page'


def _inline_code(elements: list[Element]) -> Iterable[str]:
    """What the Content-Security-Policy refuses."""
    for element in elements:
        if element.tag == "style" or (element.tag == "script" and not element.get("src")):
            yield f"<{element.tag}> has its code in the page"
        for name, value in element.items():
            if name == "style" or name.startswith("on"):
                yield f'<{element.tag} {name}="{value[:40]}"> has code in an attribute'
            if name in ("href", "src", "action", "formaction") and re.match(r"\s*(javascript|vbscript|data):", value, re.IGNORECASE):
                yield f'<{element.tag} {name}="{value[:40]}"> leads to code'
