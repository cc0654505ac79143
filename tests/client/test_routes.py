from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from auditpanel.client.routes import find_asgi_template, find_wsgi_template


@dataclass(frozen=True)
class Route:
    path: str


@pytest.mark.parametrize(
    ("rule", "template"),
    [
        ("/v1/vouchers/<code>", "/v1/vouchers/{code}"),
        ("/v1/<int:number>/<path:rest>", "/v1/{number}/{rest}"),
        ('/<regex("a:b"):x>', "/{x}"),
        ("/<any(page, post):kind>/", "/{kind}/"),
    ],
)
def test_flask_rules_become_templates(rule: str, template: str) -> None:
    request = SimpleNamespace(url_rule=SimpleNamespace(rule=rule))
    assert find_wsgi_template({"werkzeug.request": request}) == template
    assert find_wsgi_template({"werkzeug.request": request, "SCRIPT_NAME": "/shop"}) == "/shop" + template


def test_starlette_paths_become_templates_under_their_mount() -> None:
    assert find_asgi_template({"route": Route("/items/{number:int}")}) == "/items/{number}"
    assert find_asgi_template({"route": Route("/items/{number:int}"), "root_path": "/shop"}) == "/shop/items/{number}"


def test_no_route_is_none_where_no_framework_tells() -> None:
    assert find_wsgi_template({"PATH_INFO": "/x"}) is None
    assert find_asgi_template({"path": "/x"}) is None


def test_django_is_asked_only_where_the_service_uses_it() -> None:
    # In a process of its own, with a stand-in: the real one is not among what the tests install.
    program = """
import sys, types
from types import SimpleNamespace
from auditpanel.client.routes import find_wsgi_template
assert find_wsgi_template({"PATH_INFO": "/v/7"}) is None
urls = types.ModuleType("django.urls")
urls.Resolver404 = type("Resolver404", (Exception,), {})
def resolve(path):
    if path != "/v/7":
        raise urls.Resolver404
    return SimpleNamespace(route="v/<int:number>")
urls.resolve = resolve
sys.modules["django.urls"] = urls
assert find_wsgi_template({"PATH_INFO": "/v/7"}) == "/v/{number}"
assert find_wsgi_template({"PATH_INFO": "/other"}) is None
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
