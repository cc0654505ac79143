"""What happens to the records of a project, raised as events for its webhooks in the transaction that does it.

A change is what differs afterwards: one that leaves a record as it was raises nothing, and one that only switches it on or off is
`enabled` or `disabled` and not `updated`. Where nobody wants to know, all of this costs one small query.

The moment of an event is the clock's when its record is locked already: of two changes of one record, the later one's is later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, TEXT, ColumnElement, Select, Uuid, any_, cast, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.models import Campaign, Customer, Product, Voucher
from auditpanel.times import utc_now
from auditpanel.webhooks.events import raise_events, wanted
from auditpanel.webhooks.values import EventType, NewEvent

Json = dict[str, object]
Rows = Sequence[ColumnElement[bool]]
Record = TypeVar("Record", Campaign, Voucher, Customer, Product)
Key = TypeVar("Key", UUID, str)

# Records may be large: so many are in memory at once, each as it was and as it is.
PART = 500
_CHANGES = ("updated", "enabled", "disabled")
# Not the record's own, or no news: SKUs have their own life, and a switch its own events.
_LEFT_OUT = ("active", "updated_at", "skus")


class Subject(Protocol):
    """What the events of a kind of record are about; `name` begins their types."""

    @property
    def name(self) -> str: ...

    def among(self, ids: Collection[UUID]) -> ColumnElement[bool]:
        """Those with these ids."""

    def read(self, session: Session, scope: ProjectScope, rows: Rows) -> dict[UUID, Json]:
        """Those of the project that the clauses find, by their ids and in their order, as the API shows them."""

    def read_locked(self, session: Session, scope: ProjectScope, rows: Rows) -> dict[UUID, Json]:
        """The same, and until the commit nobody else changes them."""


@dataclass(frozen=True, slots=True)
class Records(Generic[Record]):
    """A kind of record as the subject of events. `show` gives what the API shows of each, in the same order."""

    name: str
    model: type[Record]
    show: Callable[[Session, ProjectScope, Sequence[Record]], Sequence[Json]]

    def among(self, ids: Collection[UUID]) -> ColumnElement[bool]:
        return _among(self.model.id, ids)

    def read(self, session: Session, scope: ProjectScope, rows: Rows) -> dict[UUID, Json]:
        return self._shown(session, scope, session.scalars(self._select(scope, rows)).all())

    def read_locked(self, session: Session, scope: ProjectScope, rows: Rows) -> dict[UUID, Json]:
        return self._shown(session, scope, session.scalars(self._select(scope, rows).with_for_update()).all())

    def _select(self, scope: ProjectScope, rows: Rows) -> Select[Record]:
        statement = select(self.model).where(self.model.project_id == scope.project_id, *rows).order_by(self.model.id)
        # What the session holds of them may be older than what it has just changed.
        return statement.execution_options(populate_existing=True)

    def _shown(self, session: Session, scope: ProjectScope, found: Sequence[Record]) -> dict[UUID, Json]:
        return {record.id: shown for record, shown in zip(found, self.show(session, scope, found), strict=True)}


def raise_created(session: Session, scope: ProjectScope, subject: Subject, column: InstrumentedAttribute[Key], keys: Sequence[Key]) -> None:
    """Of the new records that have these keys in that column."""
    if not keys or not _is_wanted(session, scope, subject, "created"):
        return
    for start in range(0, len(keys), PART):
        found = subject.read(session, scope, [_among(column, keys[start : start + PART])])
        _raise(session, scope, subject, [("created", shown) for shown in found.values()])


def raise_happened(session: Session, scope: ProjectScope, subject: Subject, what: str, *rows: ColumnElement[bool]) -> None:
    """Of the records that these clauses find; `what` ends the events' type."""
    if _is_wanted(session, scope, subject, what):
        _raise(session, scope, subject, [(what, shown) for shown in subject.read(session, scope, rows).values()])


@contextmanager
def changing(session: Session, scope: ProjectScope, subject: Subject, *rows: ColumnElement[bool]) -> Iterator[Rows]:
    """Raises the events of a change that is made inside, of the records that these clauses find before it.

    Gives the clauses to make it with: where somebody wants to know, they find just the records that are locked by now.
    """
    if not _is_wanted(session, scope, subject, *_CHANGES):
        yield rows
        return
    before = subject.read_locked(session, scope, rows)
    yield [*rows, subject.among(before.keys())]
    after = subject.read(session, scope, [subject.among(before.keys())])
    _raise(session, scope, subject, [(what, shown) for id_, shown in after.items() for what in _changes(before[id_], shown)])


@contextmanager
def deleting(session: Session, scope: ProjectScope, subject: Subject, *rows: ColumnElement[bool]) -> Iterator[Rows]:
    """The same of a deletion. The events show the records as they were."""
    if not _is_wanted(session, scope, subject, "deleted"):
        yield rows
        return
    before = subject.read_locked(session, scope, rows)
    yield [*rows, subject.among(before.keys())]
    left = subject.read(session, scope, [subject.among(before.keys())])
    _raise(session, scope, subject, [("deleted", shown) for id_, shown in before.items() if id_ not in left])


def _among(column: InstrumentedAttribute[Key], keys: Collection[Key]) -> ColumnElement[bool]:
    """As one array: a parameter for each key took longer than the query itself."""
    type_ = ARRAY(Uuid() if isinstance(column.type, Uuid) else TEXT())
    return column == any_(cast(literal(list(keys), type_), type_))


def _is_wanted(session: Session, scope: ProjectScope, subject: Subject, *whats: str) -> bool:
    chosen = wanted(session, scope)
    return any(chosen.wants(f"{subject.name}.{what}") for what in whats)


def _changes(before: Json, after: Json) -> Iterator[str]:
    if any(before[name] != value for name, value in after.items() if name not in _LEFT_OUT):
        yield "updated"
    if before.get("active") != after.get("active"):
        yield "enabled" if after["active"] else "disabled"


def _raise(session: Session, scope: ProjectScope, subject: Subject, happened: Sequence[tuple[str, Json]]) -> None:
    events = [NewEvent(EventType(f"{subject.name}.{what}"), str(shown["id"]), shown) for what, shown in happened]
    raise_events(session, scope, events, utc_now())
