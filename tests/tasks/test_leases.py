"""Of many workers one gets a task, and only it may write."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.tasks import leases
from auditpanel.tasks.leases import Lease, LeaseLost
from tests.tasks.making import let_lease_run_out, make_scope, make_task

WRITES = [leases.renew, leases.renew_with_progress, leases.release, leases.give_back, leases.end]


@pytest.fixture
def task(session: Session) -> tuple[UUID, UUID]:
    scope = make_scope(session)
    return scope.project_id, make_task(session, scope)


def claim(session: Session, task: tuple[UUID, UUID]) -> Lease | None:
    lease = leases.claim(session, *task)
    session.commit()
    return lease


def test_of_many_workers_at_once_one_gets_the_task(engine: Engine, task: tuple[UUID, UUID]) -> None:
    def try_it(_: int) -> Lease | None:
        with Session(engine) as session:
            return claim(session, task)

    with ThreadPoolExecutor(8) as pool:
        got = [lease for lease in pool.map(try_it, range(16)) if lease]
    assert len(got) == 1


def test_a_lease_is_taken_over_only_when_it_has_run_out(engine: Engine, session: Session, task: tuple[UUID, UUID]) -> None:
    first = claim(session, task)
    assert claim(session, task) is None
    assert task[1] not in leases.due_tasks(session, task[0], size=10)
    let_lease_run_out(engine, task[1])
    assert task[0] in leases.projects_with_due_tasks(session)
    second = claim(session, task)
    assert first and second and second.token != first.token
    assert second.fruitless_starts == first.fruitless_starts + 1 == 2


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_who_has_lost_the_lease_may_write_nothing(engine: Engine, session: Session, task: tuple[UUID, UUID], write: object) -> None:
    lost = claim(session, task)
    let_lease_run_out(engine, task[1])
    holder = claim(session, task)
    assert lost and holder and callable(write)
    with pytest.raises(LeaseLost):
        write(session, lost)
    session.rollback()
    write(session, holder)


def test_a_lease_that_ran_out_is_still_its_holders_until_another_takes_it(
    engine: Engine, session: Session, task: tuple[UUID, UUID]
) -> None:
    lease = claim(session, task)
    let_lease_run_out(engine, task[1])
    assert lease
    leases.renew(session, lease)
    session.commit()
    assert claim(session, task) is None


def test_getting_further_forgets_the_fruitless_starts_and_stopping_does_not_count(session: Session, task: tuple[UUID, UUID]) -> None:
    for _ in range(2):
        lease = claim(session, task)
        assert lease
        leases.release(session, lease)
    lease = claim(session, task)
    assert lease and lease.fruitless_starts == 3
    leases.give_back(session, lease)
    lease = claim(session, task)
    assert lease and lease.fruitless_starts == 3
    leases.renew_with_progress(session, lease)
    leases.release(session, lease)
    lease = claim(session, task)
    assert lease and lease.fruitless_starts == 1
