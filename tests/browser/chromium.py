"""The Chromium of the browser tests. `python -m tests.browser.chromium` gets one where there is none, and says which it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> Path | None:
    """One of the system, else playwright's own; only one that starts."""
    on_path = (shutil.which(name) for name in NAMES)
    candidates = [Path(path) for path in on_path if path is not None]
    return next(filter(_starts, [*candidates, _playwrights_own()]), None)


def get_chromium() -> Path:
    """Installs one where there is none: Debian's as root, else playwright's. Raises SystemExit where neither can be had."""
    for install in (None, _install_debians, _install_playwrights):
        if install is not None:
            install()
        found = find_chromium()
        if found is not None:
            return found
    raise SystemExit("The browser tests need Chromium, and none could be installed: put chromium or google-chrome on the PATH")


def _playwrights_own() -> Path:
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def _starts(path: Path) -> bool:
    """False also where a library is missing, as after playwright's installation on a bare system."""
    try:
        return subprocess.run([path, "--version"], check=False, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _install_debians() -> None:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(command, check=False, env=environ)


def _install_playwrights() -> None:
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


if __name__ == "__main__":
    print(get_chromium())
