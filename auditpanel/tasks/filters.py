"""What the list of background tasks can be narrowed by; the names are the parameters of the panel and of `GET /v1/async-actions`."""

from __future__ import annotations

from auditpanel.filters import Field, read_text, reader_of_choices
from auditpanel.tasks.values import TASK_LABELS, TaskStatus

TYPES = tuple((str(type_), label) for type_, label in TASK_LABELS.items())
STATUSES = (
    (str(TaskStatus.ENQUEUED), "enqueued"),
    (str(TaskStatus.IN_PROGRESS), "in progress"),
    (str(TaskStatus.FAILED), "failed"),
    (str(TaskStatus.DONE), "done"),
)

# Whether somebody has to look at them. One that is done with refused rows is not simply done; one that was cancelled
# without any is none of the three.
ONLY = (("look", "those that need a look"), ("running", "running ones"), ("done", "done ones"))

_FIELDS = (
    Field("only", "Only", reader_of_choices(ONLY), choices=ONLY, several=False, always=True),
    Field("type", "Type is", reader_of_choices(TYPES), choices=TYPES, commas=True),
    Field("status", "Status is", reader_of_choices(STATUSES), choices=STATUSES, commas=True),
    Field("request_id", "Request id is", read_text, hint="v-…"),
    Field("who", "Asked by", read_text, hint="nina@example.com, or the API key's name"),
)
TASK_FIELDS = {field.name: field for field in _FIELDS}
