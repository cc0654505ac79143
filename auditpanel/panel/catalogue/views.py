"""What the pages of campaigns, vouchers, customers, products and SKUs have in common: list, record, form, deletion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from flask import Response, flash, make_response, redirect, render_template, request
from flask_admin import expose
from werkzeug.wrappers import Response as BaseResponse

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.changes import Changes
from auditpanel.catalogue.columns import Schema
from auditpanel.catalogue.lists import COUNT_CAP, FOUND_LIMIT, Count, Direction, Place
from auditpanel.catalogue.metadata_schemas import find_schema
from auditpanel.errors import Conflict, InvalidInput
from auditpanel.exports.values import Exported
from auditpanel.extensions import db
from auditpanel.ids import parse_id
from auditpanel.panel.catalogue.forms import RecordForm
from auditpanel.panel.catalogue.kind import Record, RecordKind
from auditpanel.panel.catalogue.metadata import TypedMetadata, blank_rows, read_typed, rows_of
from auditpanel.panel.catalogue.showing import ListPage, RecordPage, Within, json_view
from auditpanel.panel.formatters import count_text
from auditpanel.panel.scope import current_scope, require_role
from auditpanel.panel.views import done
from auditpanel.times import iso_utc

PAGE_SIZE = 50
SEARCH_CHARACTERS = 200
# What the list of another kind can be narrowed to.
WITHIN = ("campaign", "product")
CHANGED_MEANWHILE = (
    "It was changed by somebody else since you opened this page. What you typed stands below; save again to set it over their changes"
)


class RecordsView(RecordKind[Record], Generic[Record]):
    """The list, the page of a record, its form, its deletion."""

    def require_access(self) -> None:
        current_scope()

    @expose("/")
    def index(self) -> str:
        scope, typed = current_scope(), request.args.get("search", "").strip()[:SEARCH_CHARACTERS]
        return render_template("catalogue/list.html", page=self._found_page(scope, typed) if typed else self._list_page(scope))

    @expose("/named")
    def named(self) -> BaseResponse:
        """By a code, a name or a source id, which may have any character in it."""
        record = self.get(current_scope(), request.args.get("name", ""))
        return redirect(self.url_of(record))

    @expose("/new", methods=["GET", "POST"])
    def new(self) -> Response | BaseResponse:
        scope, form = self._operators_scope(), self.new_form()
        typed = read_typed(_metadata_pairs(), {}, self._schema(scope))
        if not form.validate_on_submit() or typed.has_errors:
            return self._form_page(form, typed if request.method == "POST" else None, f"New {self.one}", self.url_to("index"), {})
        record, error = _try(lambda: self.create(scope, form, typed.given))
        if record is None:
            _refuse(form, error)
            return self._form_page(form, typed, f"New {self.one}", self.url_to("index"), {})
        return self._saved(record, f"{self.name_of(record)} is created.")

    @expose("/<record_id>")
    def show(self, record_id: str) -> str:
        scope = current_scope()
        record = self.get(scope, record_id)
        self.refer_to(record)
        return render_template("catalogue/record.html", page=self._record_page(scope, record))

    @expose("/<record_id>/edit", methods=["GET", "POST"])
    def edit(self, record_id: str) -> Response | BaseResponse:
        scope = self._operators_scope()
        record = self.get(scope, record_id)
        self.refer_to(record)
        form, initial = self.edit_form(scope, record)
        stored = dict(record.metadata_)
        typed = read_typed(_metadata_pairs(), stored, self._schema(scope))
        title, back_url = f"Edit {self.name_of(record)}", self.url_of(record)
        was_sent = form.validate_on_submit()
        if was_sent and form.seen.data != _state(record.updated_at):
            form.form_errors.append(f"{CHANGED_MEANWHILE}.")
        if not was_sent or form.form_errors or typed.has_errors:
            form.seen.data = _state(record.updated_at)
            return self._form_page(form, typed if request.method == "POST" else None, title, back_url, stored)
        changes = Changes(metadata=typed.given, unset_metadata=tuple(typed.unset))
        said, error = _try(lambda: self.change(scope, record, form, initial, changes))
        if said is None:
            _refuse(form, error)
            return self._form_page(form, typed, title, back_url, stored)
        return self._saved(record, f"Saved. {said}".strip())

    @expose("/<record_id>/delete", methods=["POST"])
    def remove(self, record_id: str) -> BaseResponse:
        scope = self._operators_scope()
        record = self.get(scope, record_id)
        self.refer_to(record)
        name = self.name_of(record)
        next_url = self.delete(scope, record)
        db.session.commit()
        flash(f"{name} is deleted.")
        return redirect(next_url)

    def changed(self, record_id: str, change: Callable[[Record], object], message: str) -> BaseResponse:
        """For the buttons that change one thing of a record."""
        record = self.get(self._operators_scope(), record_id)
        change(record)
        return self._saved(record, f"{self.name_of(record)} {message}")

    def _operators_scope(self) -> ProjectScope:
        scope = current_scope()
        require_role(scope, Role.OPERATOR)
        return scope

    def _saved(self, record: Record, message: str) -> BaseResponse:
        self.refer_to(record)
        url_id = self.id_of(record)
        db.session.commit()
        return done(message, f"{self.endpoint}.show", record_id=url_id)

    def _schema(self, scope: ProjectScope) -> Schema:
        schema = find_schema(db.session(), scope, self.resource)
        return schema.properties if schema else {}

    def _found_page(self, scope: ProjectScope, typed: str) -> ListPage:
        found = self.search(scope, typed)
        is_cut = len(found) >= FOUND_LIMIT
        total = f"{count_text(len(found))}+" if is_cut else count_text(len(found))
        return self._page_of(scope, found, typed=typed, total_text=total, is_cut=is_cut)

    def _list_page(self, scope: ProjectScope) -> ListPage:
        narrowed = self.find_within(scope)
        within_id, within = narrowed if narrowed else (None, None)
        place = self._place()
        page = self.page(scope, place, within_id, PAGE_SIZE)
        going_newer = place is not None and place.direction is Direction.NEWER
        has_newer = page.has_more if going_newer else place is not None
        has_older = bool(page.rows) and (going_newer or page.has_more)
        is_whole = place is None and not page.has_more
        return self._page_of(
            scope,
            page.rows,
            total_text=count_text(len(page.rows)) if is_whole else count_words(self.count(scope, within_id)),
            newer_url=self._list_url(after=self.id_of(page.rows[0])) if has_newer and page.rows else None,
            older_url=self._list_url(before=self.id_of(page.rows[-1])) if has_older else None,
            within=within,
        )

    def _page_of(
        self,
        scope: ProjectScope,
        records: Sequence[Record],
        *,
        total_text: str,
        typed: str = "",
        is_cut: bool = False,
        newer_url: str | None = None,
        older_url: str | None = None,
        within: Within | None = None,
    ) -> ListPage:
        return ListPage(
            title=self.title,
            many=self.many,
            search_words=self.search_words,
            typed=typed,
            columns=self.columns,
            rows=self.table_rows(scope, records),
            total_text=total_text,
            is_cut=is_cut,
            newer_url=newer_url,
            older_url=older_url,
            new_url=self._list_url(page="new") if scope.role.includes(Role.OPERATOR) else None,
            new_words=f"New {self.one}",
            within=within,
            zone=scope.time_zone.key,
            exported=Exported(self.resource),
            state=[("search", typed)] if typed else [(name, request.args[name]) for name in WITHIN if request.args.get(name)],
        )

    def _list_url(self, *, page: str = "index", **place: str) -> str:
        kept = {name: request.args[name] for name in WITHIN if name in request.args}
        return self.url_to(page, **kept, **place)

    def _place(self) -> Place | None:
        for name, direction in (("before", Direction.OLDER), ("after", Direction.NEWER)):
            if request.args.get(name):
                return Place(parse_id(self.prefix, request.args[name]), direction)
        return None

    def _record_page(self, scope: ProjectScope, record: Record) -> RecordPage:
        may_change = scope.role.includes(Role.OPERATOR)
        return RecordPage(
            kind=self.one,
            back_url=self.url_to("index"),
            back_words=self.title,
            name=self.name_of(record),
            state=self.state_of(scope, record),
            facts=self.facts(scope, record),
            metadata=[row for row in rows_of(record.metadata_, self._schema(scope)) if row.key in record.metadata_],
            related=self.related(scope, record),
            json=json_view(self.as_json(scope, record)),
            edit_url=self.url_to("edit", record_id=self.id_of(record)) if may_change else None,
            acts=self.acts(scope, record) if may_change else [],
            logs_url=self.logs_url(record),
            zone=scope.time_zone.key,
        )

    def _form_page(
        self, form: RecordForm, typed: TypedMetadata | None, title: str, back_url: str, stored: Mapping[str, object]
    ) -> Response:
        """`typed` is None where nothing was sent yet."""
        scope = current_scope()
        schema = self._schema(scope)
        metadata = typed.rows if typed else rows_of(stored, schema) + blank_rows()
        page = render_template(
            "catalogue/form.html",
            form=form,
            metadata=metadata,
            title=title,
            back_url=back_url,
            has_schema=bool(schema),
            zone=scope.time_zone.key,
        )
        return make_response(page, 400 if typed else 200)


Done = TypeVar("Done")


def _try(change: Callable[[], Done]) -> tuple[Done | None, InvalidInput | Conflict | None]:
    """What the change answers, or why it is refused; then nothing of it stays."""
    try:
        return change(), None
    except (InvalidInput, Conflict) as error:
        db.session.rollback()
        return None, error


def _refuse(form: RecordForm, error: InvalidInput | Conflict | None) -> None:
    form.refuse(error if isinstance(error, InvalidInput) else InvalidInput(str(error).rstrip(".")))


def _metadata_pairs() -> list[tuple[str, str]]:
    return list(zip(request.form.getlist("metadata_key"), request.form.getlist("metadata_value"), strict=False))


def _state(updated_at: datetime | None) -> str:
    return iso_utc(updated_at) if updated_at else ""


def count_words(count: Count) -> str:
    return count_text(count.value) if count.is_exact else f"{count_text(COUNT_CAP)}+"
