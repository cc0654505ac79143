"""The template of the route that answered a call, such as /v1/vouchers/{code}, as the framework of the service knows it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

# <code>, <int:id>, <regex("a:b"):id>
_WERKZEUG_PARAMETER = re.compile(r"<(?:[^<>]*:)?(\w+)>")
# {code:int}
_STARLETTE_PARAMETER = re.compile(r"{(\w+):[^{}]*}")


def find_wsgi_template(environ: Mapping[str, object]) -> str | None:
    """None where no route of Flask or Django matched, or where the service uses neither."""
    request = environ.get("werkzeug.request")
    rule = getattr(getattr(request, "url_rule", None), "rule", None)
    if isinstance(rule, str):
        return f"{environ.get('SCRIPT_NAME') or ''}{_in_braces(rule)}"
    return _find_django_template(str(environ.get("PATH_INFO") or "/"))


def find_asgi_template(scope: Mapping[str, object]) -> str | None:
    """None where no route of Starlette or FastAPI matched, or where the service uses neither."""
    route = scope.get("route")
    template = _fastapi_template(scope, route) or getattr(route, "path", None)
    if not isinstance(template, str):
        return None
    mounted_at = str(scope.get("root_path") or "").rstrip("/")
    if hasattr(route, "routes"):
        # A mount, of static files for one: its own path is in `root_path` already.
        return mounted_at or "/"
    return mounted_at + _STARLETTE_PARAMETER.sub(r"{\1}", template)


def _fastapi_template(scope: Mapping[str, object], route: object) -> str | None:
    """FastAPI keeps the prefix of `include_router` beside the route, in a context of its own (seen in 0.165)."""
    fastapi = scope.get("fastapi")
    context = fastapi.get("effective_route_context") if isinstance(fastapi, Mapping) else None
    path = getattr(context, "path", None)
    return path if isinstance(path, str) and getattr(context, "original_route", None) is route else None


def _find_django_template(path: str) -> str | None:
    urls = sys.modules.get("django.urls")
    if urls is None:
        return None
    try:
        route = urls.resolve(path).route
    except urls.Resolver404:
        return None
    return f"/{_in_braces(route)}" if isinstance(route, str) else None


def _in_braces(rule: str) -> str:
    return _WERKZEUG_PARAMETER.sub(r"{\1}", rule)
