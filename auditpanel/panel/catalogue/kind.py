"""What a kind of record says of itself, for the pages that all kinds have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from flask import request, url_for

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.changes import Changes
from auditpanel.catalogue.lists import Count, Page, Place
from auditpanel.catalogue.models import Campaign, Customer, Product, Resource, Sku, Voucher
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.recorder import refer
from auditpanel.logs.values import Reference
from auditpanel.panel.catalogue.forms import Initial, RecordForm
from auditpanel.panel.catalogue.showing import Act, Cell, Column, Fact, Related, Row, Within
from auditpanel.panel.catalogue.worth import State
from auditpanel.panel.views import PanelView

Json = dict[str, object]
Record = TypeVar("Record", Campaign, Voucher, Customer, Product, Sku)


class RecordKind(PanelView, Generic[Record]):
    """Its words and columns, and how its records are read and written."""

    resource: ClassVar[Resource]
    prefix: ClassVar[Prefix]
    # In the middle of a sentence; `title` begins one.
    one: ClassVar[str]
    many: ClassVar[str]
    title: ClassVar[str]
    search_words: ClassVar[str]
    columns: ClassVar[Sequence[Column]]

    def get(self, scope: ProjectScope, record_id: str) -> Record:
        """Raises NotFound."""
        raise NotImplementedError

    def page(self, scope: ProjectScope, place: Place | None, within: UUID | None, size: int) -> Page[Record]:
        raise NotImplementedError

    def count(self, scope: ProjectScope, within: UUID | None) -> Count:
        raise NotImplementedError

    def search(self, scope: ProjectScope, typed: str) -> list[Record]:
        raise NotImplementedError

    def rows(self, scope: ProjectScope, records: Sequence[Record]) -> list[Sequence[Cell]]:
        raise NotImplementedError

    def name_of(self, record: Record) -> str:
        raise NotImplementedError

    def state_of(self, scope: ProjectScope, record: Record) -> State | None:
        return None

    def facts(self, scope: ProjectScope, record: Record) -> list[Fact]:
        raise NotImplementedError

    def as_json(self, scope: ProjectScope, record: Record) -> Json:
        raise NotImplementedError

    def related(self, scope: ProjectScope, record: Record) -> Related | None:
        return None

    def acts(self, scope: ProjectScope, record: Record) -> list[Act]:
        raise NotImplementedError

    def logs_url(self, record: Record) -> str | None:
        return None

    def find_within(self, scope: ProjectScope) -> tuple[UUID, Within] | None:
        """What the query string narrows the list to. Raises NotFound where it names something that is not there."""
        return None

    def new_form(self) -> RecordForm:
        raise NotImplementedError

    def create(self, scope: ProjectScope, form: RecordForm, metadata: Json) -> Record:
        """Raises InvalidInput or Conflict where the form holds what cannot be stored."""
        raise NotImplementedError

    def edit_form(self, scope: ProjectScope, record: Record) -> tuple[RecordForm, Initial]:
        """The form of the record, and what its fields showed."""
        raise NotImplementedError

    def change(self, scope: ProjectScope, record: Record, form: RecordForm, initial: Initial, metadata: Changes) -> str:
        """Flushes what the form changes; answers what to say of it, beside that it is saved. Raises InvalidInput or Conflict."""
        raise NotImplementedError

    def delete(self, scope: ProjectScope, record: Record) -> str:
        """Answers the URL of the page to go to."""
        raise NotImplementedError

    def id_of(self, record: Record) -> str:
        return format_id(self.prefix, record.id)

    def url_of(self, record: Record) -> str:
        return self.url_to("show", record_id=self.id_of(record))

    def url_to(self, page: str, **values: str) -> str:
        return url_for(f"{self.endpoint}.{page}", **values)  # type: ignore[arg-type]

    def refer_to(self, record: Record) -> None:
        """The log of the call refers to it."""
        refer(request.environ, Reference(str(self.resource), self.id_of(record)))

    def refer_to_other(self, resource: Resource, prefix: Prefix, id_: UUID) -> None:
        refer(request.environ, Reference(str(resource), format_id(prefix, id_)))

    def delete_act(self, record: Record, effect: str) -> Act:
        url = self.url_to("remove", record_id=self.id_of(record))
        return Act(f"Delete the {self.one}", url, f"Delete {self.name_of(record)}?", effect)

    def table_rows(self, scope: ProjectScope, records: Sequence[Record]) -> list[Row]:
        return [Row(self.url_of(record), cells) for record, cells in zip(records, self.rows(scope, records), strict=True)]
