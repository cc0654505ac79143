"""The database or Redis gone for a while: what still works works, what does not says so, and all is back without anybody's doing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from auditpanel.embedded import POSTGRES, VALKEY, database_url, redis_url
from tests.faults.browser import log_in, open_browser
from tests.faults.started_panel import wait_for
from tests.faults.stoppable import StoppableServer
from tests.faults.whole_panel import RECOVERY_S, Target, WholePanel

pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True, slots=True)
class Installation:
    """A panel on a database and a Redis that are not its own."""

    panel: WholePanel
    database: StoppableServer
    redis: StoppableServer
    target: Target

    def post_log(self) -> httpx.Response:
        log = {"occurred_at": datetime.now(UTC).isoformat(), "path": "/v1/orders", "status_code": 201}
        return httpx.post(f"{self.panel.url}/v1/logs", json=[log], headers=self.target.headers, timeout=20, trust_env=False)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("elsewhere")
    database, redis = StoppableServer(folder, POSTGRES), StoppableServer(folder, VALKEY)
    database.start()
    redis.start()
    panel = WholePanel(tmp_path_factory.mktemp("panel"), DATABASE_URL=database_url(folder), REDIS_URL=redis_url(folder))
    panel.start()
    yield Installation(panel, database, redis, panel.make_target())
    panel.end()
    redis.stop()
    database.stop()


def test_without_the_database_pages_and_api_say_so_and_are_back_with_it(installation: Installation) -> None:
    panel, target = installation.panel, installation.target
    with open_browser(panel.url) as browser:
        assert log_in(browser).status_code == 302
        pages = [
            "/",
            "/account",
            f"/projects/{target.id}/logs/",
            f"/projects/{target.id}/settings/",
            "/administration/users/",
            "/nothing-here",
        ]
        before = [browser.get(page).status_code for page in pages]
        with installation.database.away():
            for page in pages:
                assert_page_says_503(browser.get(page))
            assert_json_says_503(installation.post_log())
            assert_json_says_503(browser.get("/v1/logs", headers=target.headers))
            assert_json_says_503(browser.get(f"/v1/logs/log_{'0' * 32}", headers=target.headers))
            assert browser.get("/healthz").status_code == 200
            assert browser.get("/static/panel.css").status_code == 200
            readiness = browser.get("/readyz")
            assert (readiness.status_code, readiness.json()) == (503, {"status": "unavailable", "database": False, "redis": True})
        assert [browser.get(page).status_code for page in pages] == before
        assert browser.get("/readyz").status_code == 200
    assert installation.post_log().json()["stored"] == 1


def test_a_login_without_the_database_says_so(installation: Installation) -> None:
    with open_browser(installation.panel.url) as browser, installation.database.away():
        assert browser.get("/login").status_code == 200
        assert_page_says_503(log_in(browser))


def test_without_redis_login_and_ingest_go_on(installation: Installation) -> None:
    with installation.redis.away():
        with open_browser(installation.panel.url) as browser:
            assert log_in(browser).status_code == 302
            assert browser.get("/account").status_code == 200
            readiness = browser.get("/readyz")
        assert (readiness.status_code, readiness.json()) == (503, {"status": "unavailable", "database": True, "redis": False})
        assert installation.post_log().json()["stored"] == 1
    assert installation.panel.answers("/readyz")


def test_without_redis_a_password_can_still_not_be_tried_for_ever(installation: Installation) -> None:
    with installation.redis.away(), open_browser(installation.panel.url) as browser:
        # Each of the two web processes counts by itself.
        answers = [log_in(browser, "nobody@example.com", "a wrong password").status_code for _ in range(11)]
    assert answers[:5] == [401] * 5
    assert answers[-1] == 429


def test_the_programs_beside_the_web_are_back_after_an_outage_of_redis(installation: Installation) -> None:
    with installation.redis.away():
        wait_for(lambda: not installation.panel.answers("/readyz"))
    programs = ("gunicorn", "jobs.worker", "jobs.cron")

    def all_run() -> bool:
        running = [" ".join(child.cmdline()) for child in installation.panel.descendants()]
        return all(any(program in line for line in running) for program in programs)

    wait_for(all_run, timeout_s=RECOVERY_S)


def assert_page_says_503(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "The database does not answer. Try again in a moment." in answer.text
    assert f'id="request-id">{answer.headers["X-Request-Id"]}<' in answer.text
    assert "Content-Security-Policy" in answer.headers


def assert_json_says_503(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    error = answer.json()
    assert (error["code"], error["key"]) == (503, "unavailable")
    assert "The database does not answer" in error["details"]
    assert error["request_id"] == answer.headers["X-Request-Id"]
