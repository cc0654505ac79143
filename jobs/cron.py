"""`python -m jobs.cron`: enqueues what is due by the clock."""

from __future__ import annotations

import os

from redis import Redis
from rq.cron import CronJob, CronScheduler
from rq.job import Job

from auditpanel.config import Settings
from auditpanel.running import ServerUrls
from jobs.maintenance import keep_house
from auditpanel.queues import MAINTENANCE, connect, open_queue

HOUR_S = 3_600


class JsonCronJob(CronJob):
    """RQ's own enqueues with pickle, whatever the workers read."""

    def enqueue(self, connection: Redis) -> Job:
        return open_queue(self.queue_name, connection).enqueue(self.func_name, *self.args, **self.kwargs, **self.job_options)


def main() -> None:
    urls = ServerUrls.of(Settings.from_environment(os.environ))
    scheduler = CronScheduler(connection=connect(urls.redis), logging_level="WARNING")
    scheduler.get_jobs().append(JsonCronJob(MAINTENANCE, keep_house, interval=HOUR_S, result_ttl=HOUR_S))
    scheduler.start()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
