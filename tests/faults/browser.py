"""Somebody with a browser, over real HTTP: keeps cookies, follows no redirect, and reads error pages as any other."""

from __future__ import annotations

import re

import httpx

from tests.faults.whole_panel import ADMIN_PASSWORD

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def open_browser(url: str) -> httpx.Client:
    # Not the proxy of the environment: it would not find this machine.
    return httpx.Client(base_url=url, timeout=20, trust_env=False)


def log_in(browser: httpx.Client, email: str = "admin@localhost", password: str = ADMIN_PASSWORD, *, url: str = "/login") -> httpx.Response:
    return browser.post(url, data={"csrf_token": form_token(browser.get(url)), "email": email, "password": password})


def form_token(page: httpx.Response) -> str:
    found = _TOKEN.search(page.text)
    assert found is not None, page.text
    return found[1]
