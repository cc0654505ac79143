"""From the first command to the failed call on the screen, as README.md tells it, on a panel that runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults.browser import log_in, open_browser
from tests.faults.started_panel import REPOSITORY
from tests.faults.whole_panel import WholePanel

pytestmark = pytest.mark.timeout(240)

EMAIL = "nina@example.com"
PASSWORD = "a good long password"
PATHS = ["/v1/vouchers/SUMMER-24", "/v1/customers?limit=100", "/v1/validations", "/health", "/assets/app.js?v=3"]


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[WholePanel]:
    panel = WholePanel(tmp_path)
    panel.start()
    yield panel
    panel.end()


def run(panel: WholePanel, *arguments: str, stdin: str = "") -> str:
    """A flask command beside the running panel."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, env=panel.environ, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def access_log(newest: datetime) -> str:
    """Fifty calls of the last hours, one of which failed, in the combined format."""
    lines = []
    for number in range(50):
        moment = newest - timedelta(minutes=number)
        request, status = f"GET {PATHS[number % len(PATHS)]}", 200 if number % 7 else 304
        if number == 20:
            request, status = "POST /v1/redemptions?tracking_id=7", 502
        lines.append(
            f'198.51.100.{number} - shop [{moment:%d/%b/%Y:%H:%M:%S} +0000] "{request} HTTP/1.1" {status} {number * 97} '
            f'"https://shop.example/checkout" "Mozilla/5.0 (X11; Linux x86_64) Firefox/144.0"\n'
        )
    return "".join(reversed(lines))


def test_a_failed_call_of_an_imported_access_log_is_found_and_opened(panel: WholePanel, tmp_path: Path) -> None:
    project_id = json.loads(run(panel, "create-project", "Acme Shop", "--timezone", "Europe/Warsaw"))["id"]
    run(panel, "create-user", EMAIL, stdin=f"{PASSWORD}\n")
    run(panel, "add-member", project_id, EMAIL, "--role", "viewer")
    key = json.loads(run(panel, "create-api-key", project_id, "shop"))
    file = tmp_path / "access.log"
    file.write_text(access_log(datetime.now(UTC)))
    for counts in ("50 stored, 0 already there, 0 refused\n", "0 stored, 50 already there, 0 refused\n"):
        assert run(panel, "import-logs", project_id, str(file), "--format", "combined") == counts

    with open_browser(panel.url) as browser:
        sent_away = browser.get(f"/projects/{project_id}/logs/?result=failure&path_contains=/v1/redemptions")
        assert sent_away.status_code == 302
        came_in = log_in(browser, EMAIL, PASSWORD, url=sent_away.headers["Location"])
        found = browser.get(came_in.headers["Location"])
        links = set(re.findall(rf"/projects/{project_id}/logs/log_[0-9a-f]{{32}}[^\"]*", found.text))
        assert len(links) == 1, found.text
        assert "502" in found.text and "/v1/redemptions" in found.text
        record = browser.get(links.pop().replace("&amp;", "&"))
        for shown in ("POST", "/v1/redemptions", "502", "198.51.100.20", "tracking_id", "Firefox"):
            assert shown in record.text, shown

        headers = {"X-App-Id": key["app_id"], "X-App-Token": key["app_token"]}
        by_api = browser.get("/v1/logs?result=failure&path_contains=/v1/redemptions", headers=headers).json()
        assert [(line["path"], line["status_code"]) for line in by_api["logs"]] == [("/v1/redemptions", 502)]
