"""`python -m jobs.cron`: enqueues what is due by the clock."""

from __future__ import annotations

import os

from redis import Redis
from rq.cron import CronJob, CronScheduler

from auditpanel.config import Settings
from auditpanel.queues import MAINTENANCE, connect, job_id, open_queue, waiting_subjects
from auditpanel.running import ServerUrls

HOUR_S = 3_600
SWEEP_EVERY_S = 10
MINUTE_S = 60

# By name: the scheduler itself need not know the application.
SCHEDULE_S = {
    "jobs.maintenance.keep_house": HOUR_S,
    "jobs.sweep.enqueue_lost_tasks": SWEEP_EVERY_S,
    "jobs.sweep.enqueue_due_deliveries": SWEEP_EVERY_S,
    "jobs.sweep.enqueue_lost_exports": SWEEP_EVERY_S,
    "jobs.sweep.request_scheduled_exports": MINUTE_S,
    "jobs.sweep.remove_orphaned_uploads": HOUR_S,
    "jobs.maintenance.remove_old_exports": HOUR_S,
}


class JsonCronJob(CronJob):
    """RQ's own enqueues with pickle, whatever the workers read, and again while the last one still waits."""

    def enqueue(self, connection: Redis) -> None:  # type: ignore[override]  # nobody asks for the job
        # Of two schedulers the second one finds the first one's job; where it is done already it is done twice, which each allows.
        queue, subject = open_queue(self.queue_name, connection), self.func_name.replace(".", "-")
        if subject not in waiting_subjects(queue):
            queue.enqueue(self.func_name, job_id=job_id(subject), **self.job_options)


def main() -> None:
    urls = ServerUrls.of(Settings.from_environment(os.environ))
    scheduler = CronScheduler(connection=connect(urls.redis), logging_level="WARNING")
    for function, interval_s in SCHEDULE_S.items():
        scheduler.get_jobs().append(JsonCronJob(MAINTENANCE, func_name=function, interval=interval_s, result_ttl=0, failure_ttl=HOUR_S))
    scheduler.start()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
