"""What calls set off, told beside them in their list."""

from __future__ import annotations

from sqlalchemy.orm import Session

from auditpanel.ids import new_request_id
from auditpanel.keyset import Count
from auditpanel.logs.caused import CausedByCall, caused_by_calls
from auditpanel.tasks.records import Caused
from auditpanel.webhooks.values import SendoutStatus
from tests.tasks.making import make_asker, make_scope, make_task
from tests.webhooks.sendout_making import make_sendout, make_webhook


def test_a_call_is_told_its_tasks_and_its_sendouts_that_were_given_up(session: Session) -> None:
    scope = make_scope(session)
    both, started, failed, sent = (new_request_id() for _ in range(4))
    webhook_id = make_webhook(session, scope)
    for request_id in (both, both, failed):
        make_sendout(session, scope, webhook_id, request_id=request_id)
    for request_id in (both, sent):
        make_sendout(session, scope, webhook_id, SendoutStatus.SENT, request_id=request_id)
    for request_id in (both, started):
        make_task(session, scope, asker=make_asker(request_id=request_id))
    waiting = Caused(tasks=1, refused=0, failed=0, cancelled=0, running=1)
    assert caused_by_calls(session, scope, [both, started, failed, sent]) == {
        both: CausedByCall(waiting, Count(2, is_exact=True)),
        started: CausedByCall(waiting, None),
        failed: CausedByCall(None, Count(1, is_exact=True)),
    }
    assert caused_by_calls(session, scope, []) == {}
    assert caused_by_calls(session, make_scope(session), [both]) == {}, "what another project's calls set off is not told"
