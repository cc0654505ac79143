"""What may happen to the parts of a whole panel while a worker is busy."""

from __future__ import annotations

from collections.abc import Callable

import psutil
from redis import Redis

from auditpanel.embedded import redis_url
from tests.faults.whole_panel import WholePanel

Kill = Callable[[WholePanel], None]


def kills_around(queue: str) -> list[Kill]:
    """Of the queue's worker and the others; the last one takes all of it down, and starts it again."""

    def kill_the_worker(panel: WholePanel) -> None:
        if worker := worker_of(panel, queue):
            worker.kill()

    def kill_its_child(panel: WholePanel) -> None:
        """The one that does the job, where there is one."""
        worker = worker_of(panel, queue)
        for child in worker.children() if worker else []:
            child.kill()

    return [kill_the_worker, kill_its_child, kill_the_web_server, kill_the_database, make_redis_forget, kill_redis, cut_the_power]


def worker_of(panel: WholePanel, queue: str) -> psutil.Process | None:
    """None while the supervisor waits to start it again."""
    return next((child for child in psutil.Process(panel.process.pid).children() if _is_worker(child, queue)), None)


def _is_worker(process: psutil.Process, queue: str) -> bool:
    try:
        return process.cmdline()[-2:] == ["jobs.worker", queue]
    except psutil.Error:
        # It ended a moment ago.
        return False


def kill_the_web_server(panel: WholePanel) -> None:
    panel.find("gunicorn").kill()


def kill_the_database(panel: WholePanel) -> None:
    panel.find("postgres").kill()


def make_redis_forget(panel: WholePanel) -> None:
    with Redis.from_url(redis_url(panel.data)) as client:
        client.flushall()


def kill_redis(panel: WholePanel) -> None:
    panel.find("valkey").kill()


def cut_the_power(panel: WholePanel) -> None:
    panel.cut_the_power()
    panel.start()
