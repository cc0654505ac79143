"""Whatever is killed while logs come in: what was acknowledged is there, once, and the panel is back by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from tests.faults.load import Load
from tests.faults.recorded import paths_by_api, paths_in_database
from tests.faults.started_panel import wait_for
from tests.faults.whole_panel import RECOVERY_S, WholePanel

pytestmark = pytest.mark.timeout(240)

# Another moment each time.
RANDOM = Random()


def kill_a_web_worker(panel: WholePanel) -> None:
    RANDOM.choice(panel.find("gunicorn").children()).kill()


def kill_the_web_server(panel: WholePanel) -> None:
    panel.find("gunicorn").kill()


def kill_the_database(panel: WholePanel) -> None:
    panel.find("postgres").kill()


def kill_a_database_connection(panel: WholePanel) -> None:
    """One killed process makes the database end all others, and recover."""
    connections = [child for child in panel.find("postgres").children() if "auditpanel auditpanel" in " ".join(child.cmdline())]
    RANDOM.choice(connections).kill()


def kill_redis(panel: WholePanel) -> None:
    panel.find("valkey").kill()


def kill_the_supervisor(panel: WholePanel) -> None:
    panel.process.kill()
    panel.process.wait()
    panel.start()


def cut_the_power(panel: WholePanel) -> None:
    panel.cut_the_power()
    panel.start()


KILLS = [
    kill_a_web_worker,
    kill_the_web_server,
    kill_the_database,
    kill_a_database_connection,
    kill_redis,
    kill_the_supervisor,
    cut_the_power,
]


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.__name__)
def test_what_was_acknowledged_is_there_once_and_the_panel_is_back(
    panel: WholePanel, kill: Callable[[WholePanel], None], fault_round: int
) -> None:
    target = panel.make_target()
    load = Load(panel.url, target)
    with load.running():
        load.wait_for_batches(RANDOM.randint(3, 40))
        kill(panel)
        # More than were under way, so some were begun after it.
        load.wait_for_batches(15)
    wait_for(lambda: panel.answers("/readyz"), timeout_s=RECOVERY_S)
    assert set(load.statuses) <= {202, 503}, f"others than taken, and try again: {load.statuses}"
    assert Counter(load.paths) == Counter(paths_by_api(panel, target)) == Counter(paths_in_database(panel, target))
