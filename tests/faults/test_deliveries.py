"""Whatever is killed in the middle of sending: each message arrives, under its one id, and the panel goes on within a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event

import psutil
import pytest
from redis import Redis
from sqlalchemy.exc import OperationalError

from auditpanel.accounts.scope import ProjectScope
from auditpanel.embedded import redis_url
from auditpanel.ids import Prefix, format_id
from auditpanel.queues import enqueue_delivery
from auditpanel.webhooks.claiming import LEASE
from tests.faults.started_panel import wait_for
from tests.faults.whole_panel import RECOVERY_S, WholePanel
from tests.tasks.making import make_scope
from tests.webhooks.delivering import due, make_target, raise_many, sendouts
from tests.webhooks.receiver import Receiver, receiving

pytestmark = pytest.mark.timeout(600)

MESSAGES = 3_000
# So many at least, before something is killed.
BEGUN = 200


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholePanel]:
    folder = tmp_path_factory.mktemp("panel")
    panel = WholePanel(folder, AUDITPANEL_ALLOW_PRIVATE_WEBHOOKS="1", SECRET_KEY="of the tests")
    panel.start()
    yield panel
    panel.end()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages of a project of their own, on their way to a target that takes a moment for each."""

    panel: WholePanel
    receiver: Receiver
    scope: ProjectScope
    secret: str
    ids: frozenset[str]

    @property
    def arrived(self) -> list[str]:
        return self.receiver.ids_at("/slow")

    def is_under_way(self) -> bool:
        return len(self.arrived) >= BEGUN

    def is_done(self) -> bool:
        """False while the database is away."""
        try:
            with self.panel.session() as session:
                return due(session, self.scope) == []
        except OperationalError:
            return False

    def check(self) -> None:
        """Nothing is lost, nothing is there twice, and a repetition can be told."""
        with self.panel.session() as session:
            found = sendouts(session, self.scope)
        assert {(sendout.status, sendout.tries) for sendout in found} == {("SENT", 1)}
        assert set(self.arrived) == self.ids == {format_id(Prefix.SENDOUT, sendout.id) for sendout in found}
        for arrival in self.receiver.at("/slow")[-50:]:
            arrival.verify(self.secret)


def make_backlog(panel: WholePanel, receiver: Receiver) -> Backlog:
    with panel.session() as session:
        scope = make_scope(session)
        target = make_target(session, scope, receiver.to("/slow?s=0.05"))
        raise_many(session, scope, MESSAGES)
        ids = frozenset(format_id(Prefix.SENDOUT, sendout.id) for sendout in sendouts(session, scope))
    enqueue_delivery(redis_url(panel.data))
    return Backlog(panel, receiver, scope, target.secret, ids)


def worker_of(panel: WholePanel) -> psutil.Process:
    return next(child for child in psutil.Process(panel.process.pid).children() if child.cmdline()[-2:] == ["jobs.worker", "webhooks"])


def kill_the_worker(panel: WholePanel) -> None:
    worker_of(panel).kill()


def kill_its_child(panel: WholePanel) -> None:
    """The one that sends."""
    for child in worker_of(panel).children():
        child.kill()


def kill_the_database(panel: WholePanel) -> None:
    panel.find("postgres").kill()


def make_redis_forget(panel: WholePanel) -> None:
    with Redis.from_url(redis_url(panel.data)) as client:
        client.flushall()


def make_redis_forget_and_kill_the_worker(panel: WholePanel) -> None:
    make_redis_forget(panel)
    kill_the_worker(panel)


def kill_redis(panel: WholePanel) -> None:
    panel.find("valkey").kill()


def cut_the_power(panel: WholePanel) -> None:
    panel.cut_the_power()
    panel.start()


KILLS = [
    kill_the_worker,
    kill_its_child,
    kill_the_database,
    make_redis_forget,
    make_redis_forget_and_kill_the_worker,
    kill_redis,
    cut_the_power,
]


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.__name__)
def test_each_message_arrives_and_is_recorded_once(
    panel: WholePanel, receiver: Receiver, kill: Callable[[WholePanel], None], fault_round: int
) -> None:
    backlog = make_backlog(panel, receiver)
    wait_for(backlog.is_under_way, timeout_s=RECOVERY_S)
    kill(panel)
    wait_for(backlog.is_done, timeout_s=RECOVERY_S)
    backlog.check()


def test_a_panel_that_is_stopped_gives_back_what_it_has_not_sent(panel: WholePanel, receiver: Receiver) -> None:
    backlog = make_backlog(panel, receiver)
    wait_for(backlog.is_under_way, timeout_s=RECOVERY_S)
    panel.end()
    assert "does not stop" not in panel.terminal and "Traceback" not in panel.terminal
    assert len(backlog.arrived) == len(set(backlog.arrived)) < MESSAGES
    panel.start()
    # Sooner than a lease runs out.
    wait_for(backlog.is_done, timeout_s=LEASE.total_seconds() * 0.7)
    backlog.check()
    # Nothing went out twice, as all that was under way had been waited for.
    assert len(backlog.arrived) == MESSAGES


def test_what_is_raised_while_redis_is_away_is_delivered_by_the_sweep(panel: WholePanel, receiver: Receiver) -> None:
    redis = panel.find("valkey")
    redis.suspend()
    try:
        with panel.session() as session:
            scope = make_scope(session)
            make_target(session, scope, receiver.to("/200"))
            raise_many(session, scope, 10)
        enqueue_delivery(redis_url(panel.data))
        Event().wait(0.2)
    finally:
        redis.resume()
    wait_for(lambda: len(receiver.at("/200")) == 10, timeout_s=RECOVERY_S)
