"""Each of the nineteen types, on the inputs that the fault tests kill workers over."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.ids import new_uuid
from auditpanel.tasks.values import TaskType
from tests.catalogue.driving import make_scope, make_task, run
from tests.tasks.inputs import make_input

ROWS = 5_500
# All that a task may have written, but for ids and times.
CONTENT = {
    "vouchers": "code, type, category, discount, gift, active, settings, metadata, campaign_id IS NULL",
    "customers": "source_id, name, email, birthdate, address, metadata",
    "products": "source_id, name, price, attributes, metadata",
    "skus": "source_id, sku, price, currency, attributes, metadata",
    "campaigns": "name, vouchers_count, vouchers_generation_status, deleted_at",
}


def content(session: Session, scope: ProjectScope) -> dict[str, tuple[int, str]]:
    found = {}
    for table, columns in CONTENT.items():
        rows = f"SELECT ROW({columns})::text AS line FROM {table} WHERE project_id = :id"  # noqa: S608
        summed = f"SELECT count(*), coalesce(md5(string_agg(line, '|' ORDER BY line)), '') FROM ({rows}) AS content"  # noqa: S608
        found[table] = tuple(session.execute(text(summed), {"id": scope.project_id}).one())
    session.rollback()
    return found


@pytest.mark.parametrize("type_", TaskType)
def test_a_task_that_is_stopped_behind_each_batch_ends_as_an_undisturbed_one(session: Session, tmp_path: Path, type_: TaskType) -> None:
    task_id, ended = new_uuid(), []
    for batches in (None, 1):
        scope = make_scope(session)
        parameters, upload = make_input(session, scope, type_, rows=ROWS, folder=tmp_path)
        session.commit()
        task = make_task(scope, type_, parameters, file=upload.path if upload else None, task_id=task_id)
        counts: Counter[str] = Counter()
        refused: dict[int, str] = {}
        while True:
            ran = run(session, task, batches=batches)
            counts += ran.counts
            refused |= ran.reasons
            if batches is None or not ran.positions:
                break
            task = replace(task, position=ran.positions[-1])
        ended.append((counts, refused, content(session, scope)))
        assert sum(counts.values()) + len(refused) == ROWS
    assert ended[0] == ended[1]
