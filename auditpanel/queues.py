"""The queues, and the way to them. They only carry ids: the database knows what there is to do, and the sweep finds what got lost here.

Jobs are JSON, so that who can write to Redis cannot make a worker run code of theirs.
"""

from __future__ import annotations

import logging
import secrets
from uuid import UUID

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, RedisError, TimeoutError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

# One kind of job each, and one queue for each worker: a worker that listens to several loses the job it was just taking when killed.
MAINTENANCE = "maintenance"
TASKS = "tasks"
WEBHOOKS = "webhooks"
EXPORTS = "exports"

RUN_TASK = "jobs.tasks.run"
RUN_EXPORT = "jobs.exports.run"
DELIVER = "jobs.webhooks.deliver"
DELIVERY = "delivery"

# Some 40 s in all: Redis may be started again meanwhile, and a worker need not end for it.
PATIENT = Retry(ExponentialBackoff(cap=5, base=0.1), retries=12)
# Somebody waits for the answer of what enqueues.
BRIEF_TIMEOUT_S = 1.0


def connect(redis_url: str) -> Redis:
    """For workers and the scheduler."""
    return Redis.from_url(redis_url, retry=PATIENT, retry_on_error=[ConnectionError, TimeoutError])


def open_queue(name: str, connection: Redis) -> Queue:
    return Queue(name, connection=connection, serializer=JSONSerializer)


def enqueue_task(redis_url: str, project_id: UUID, task_id: UUID) -> None:
    """Call it after the commit. Where Redis is away, the task waits for the sweep."""
    try:
        with Redis.from_url(redis_url, socket_timeout=BRIEF_TIMEOUT_S, socket_connect_timeout=BRIEF_TIMEOUT_S) as connection:
            push_task(open_queue(TASKS, connection), project_id, task_id)
    except RedisError:
        logging.getLogger(__name__).warning("task %s is not enqueued: Redis does not answer; the sweep will do it", task_id)


def push_task(queue: Queue, project_id: UUID, task_id: UUID) -> None:
    queue.enqueue(RUN_TASK, project_id.hex, task_id.hex, job_id=job_id(task_id.hex), job_timeout=-1, result_ttl=0, failure_ttl=0)


def enqueue_export(redis_url: str, project_id: UUID, export_id: UUID) -> None:
    """Call it after the commit. Where Redis is away, the export waits for the sweep."""
    try:
        with Redis.from_url(redis_url, socket_timeout=BRIEF_TIMEOUT_S, socket_connect_timeout=BRIEF_TIMEOUT_S) as connection:
            push_export(open_queue(EXPORTS, connection), project_id, export_id)
    except RedisError:
        logging.getLogger(__name__).warning("export %s is not enqueued: Redis does not answer; the sweep will do it", export_id)


def push_export(queue: Queue, project_id: UUID, export_id: UUID) -> None:
    queue.enqueue(RUN_EXPORT, project_id.hex, export_id.hex, job_id=job_id(export_id.hex), job_timeout=-1, result_ttl=0, failure_ttl=0)


def enqueue_delivery(redis_url: str) -> None:
    """Call it after the commit. Where Redis is away, what is due waits for the sweep."""
    try:
        with Redis.from_url(redis_url, socket_timeout=BRIEF_TIMEOUT_S, socket_connect_timeout=BRIEF_TIMEOUT_S) as connection:
            push_delivery(open_queue(WEBHOOKS, connection))
    except RedisError:
        logging.getLogger(__name__).warning("no delivery is enqueued: Redis does not answer; the sweep will do it")


def push_delivery(queue: Queue) -> None:
    """One job delivers all that is due, so one that waits is enough: the one that runs may be about to end."""
    if DELIVERY not in waiting_subjects(queue):
        queue.enqueue(DELIVER, job_id=job_id(DELIVERY), job_timeout=-1, result_ttl=0, failure_ttl=0)


def waiting_subjects(queue: Queue) -> set[str]:
    """Of the jobs that no worker has begun. To enqueue one of them again would do no harm, but make the queue grow."""
    return {name.rpartition("-")[0] for name in queue.get_job_ids()}


def job_id(subject: str) -> str:
    """Tells what the job is about, and is new each time: RQ removes an ended job by its id, and would remove its successor with it."""
    return f"{subject}-{secrets.token_hex(8)}"
