"""`python -m jobs.worker QUEUE`: a worker of one queue."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys

from rq import Worker
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from auditpanel.config import Settings
from auditpanel.processes import die_with_parent
from auditpanel.queues import EXPORTS, MAINTENANCE, TASKS, WEBHOOKS, connect
from auditpanel.running import ServerUrls

# A worker that was killed is noticed after its time to live; by default that is minutes.
HEARTBEAT_S = 15


# Loaded once, before the first job: a child that had to load the application itself would take seconds for each.
PRELOADED = {
    MAINTENANCE: ("jobs.maintenance", "jobs.sweep"),
    TASKS: ("jobs.tasks",),
    WEBHOOKS: ("jobs.webhooks",),
    EXPORTS: ("jobs.exports",),
}


class PanelWorker(Worker):
    """A child does not outlive its worker: it would run on beside the one that has taken over."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_parent(signal.SIGKILL)
        super().main_work_horse(job, queue)

    def setup_work_horse_signals(self) -> None:
        """A job that is short ends by itself; one that is long listens for it."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)


def main(queue: str) -> None:
    urls = ServerUrls.of(Settings.from_environment(os.environ))
    worker = PanelWorker(
        [queue],
        connection=connect(urls.redis),
        serializer=JSONSerializer,
        worker_ttl=HEARTBEAT_S * 2,
        job_monitoring_interval=HEARTBEAT_S,
        maintenance_interval=HEARTBEAT_S,
    )
    for module in PRELOADED[queue]:
        importlib.import_module(module)
    # A third of an import's time went into looking through the loaded application for garbage.
    gc.freeze()
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else MAINTENANCE)
