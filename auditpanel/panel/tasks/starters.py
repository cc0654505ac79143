"""What starts each background task, once its form is filled in. A change of the catalogue that goes with it is in the same transaction."""

from __future__ import annotations

from collections.abc import Callable

from flask import url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage
from werkzeug.utils import redirect

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.campaigns import change_campaign, find_campaign, inherited, read_campaign_update
from auditpanel.catalogue.metadata_schemas import find_schema, forget_key
from auditpanel.catalogue.models import Campaign, Resource
from auditpanel.catalogue.preview import check_file
from auditpanel.catalogue.reading import check_storable
from auditpanel.catalogue.values import NewVoucher, read_voucher
from auditpanel.errors import AuditpanelError, InvalidInput, TooLarge
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id
from auditpanel.panel.tasks.asking import ask_for_task, record_refusal, uploads_folder
from auditpanel.panel.tasks.forms import (
    CsvForm,
    DeleteForm,
    GenerateForm,
    MetadataForm,
    PurgeForm,
    RowsForm,
    StartForm,
    UpdateForm,
    Way,
    key_name_of,
    read_object,
    read_rows,
    resource_of,
)
from auditpanel.panel.tasks.waiting_uploads import WaitingUpload, token_of
from auditpanel.panel.views import done
from auditpanel.tasks import uploads
from auditpanel.tasks.values import TaskType
from auditpanel.times import Edge, iso_utc, parse_typed, utc_now

Json = dict[str, object]

JSON_LIMIT_BYTES = 32 * 1024**2


class FileRefused(InvalidInput):
    """A file that is not taken; `task_id` is the failed task that says the same."""

    def __init__(self, reason: str, task_id: str) -> None:
        super().__init__(reason.removesuffix("."), field="file")
        self.task_id = task_id


def schema(scope: ProjectScope, resource: Resource) -> dict[str, Json]:
    schema = find_schema(db.session(), scope, resource)
    return schema.properties if schema else {}


def _campaign(scope: ProjectScope, form: StartForm) -> Campaign | None:
    """Of a form that asks for one. Raises InvalidInput where there is none of that name."""
    if "campaign" not in form:
        return None
    campaign = find_campaign(db.session(), scope, form.campaign_text)
    if campaign is None:
        raise InvalidInput(f'there is no campaign "{form.campaign_text[:80]}"; write its whole name, or its id', field="campaign")
    return campaign


def _needed_campaign(scope: ProjectScope, form: StartForm) -> Campaign:
    campaign = _campaign(scope, form)
    assert campaign is not None
    return campaign


def campaign_parameters(campaign: Campaign | None) -> Json:
    return {"campaign_id": format_id(Prefix.CAMPAIGN, campaign.id), "campaign": campaign.name} if campaign else {}


def template(campaign: Campaign | None) -> NewVoucher | None:
    return inherited(campaign, read_voucher(campaign.voucher)) if campaign else None


def started(task_id: str) -> ResponseReturnValue:
    return done("Started.", "tasks.show", task_id=task_id)


def _start_csv(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    """A file that is not taken leaves a failed task which says the same: somebody may look for it in the list."""
    assert isinstance(form, CsvForm)
    campaign, sent = _campaign(scope, form), form.file.data
    if not isinstance(sent, FileStorage) or not sent.filename:
        raise InvalidInput("choose a file", field="file")
    try:
        upload = uploads.keep(sent.stream, sent.filename, folder=uploads_folder(), limit_bytes=uploads.LIMIT_BYTES)
        _check(upload, resource_of(type_))
    except (InvalidInput, TooLarge) as error:
        reason = error.reason if isinstance(error, InvalidInput) else str(error)
        task_id = record_refusal(scope, type_, campaign_parameters(campaign), file_name=sent.filename, error=reason)
        raise FileRefused(reason, task_id) from None
    waiting = WaitingUpload(type_, upload, str(campaign_parameters(campaign).get("campaign_id", "")))
    return redirect(url_for("tasks.preview", upload=token_of(scope, waiting)))


def _check(upload: uploads.Upload, resource: Resource) -> None:
    try:
        check_file(upload.path, resource)
    except AuditpanelError:
        upload.path.unlink(missing_ok=True)
        raise


def _start_rows(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    assert isinstance(form, RowsForm)
    campaign, sent = _campaign(scope, form), form.file.data
    rows = read_rows(sent if isinstance(sent, FileStorage) and sent.filename else None, form.text.data, limit_bytes=JSON_LIMIT_BYTES)
    return started(ask_for_task(scope, type_, campaign_parameters(campaign), uploads.keep_rows(rows, folder=uploads_folder())))


def _start_metadata(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    assert isinstance(form, MetadataForm)
    keys, metadata = form.read_keys(), form.read_pairs(schema(scope, resource_of(type_)))
    check_storable(metadata, "pairs")
    rows: list[Json] = [{key_name_of(type_): key} for key in keys]
    return started(ask_for_task(scope, type_, {"metadata": metadata}, uploads.keep_rows(rows, folder=uploads_folder())))


def _start_purge(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    assert isinstance(form, PurgeForm)
    key = (form.key.data or "").strip()
    check_storable(key, "key")
    forget_key(db.session(), scope, resource_of(type_), key, now=utc_now())
    return started(ask_for_task(scope, type_, {"key": key}))


def _start_generation(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    assert isinstance(form, GenerateForm)
    campaign, count = _needed_campaign(scope, form), form.read_count()
    campaign.vouchers_generation_status = "IN_PROGRESS"
    return started(ask_for_task(scope, type_, campaign_parameters(campaign) | {"vouchers_count": count, "voucher": {}}))


def _start_update(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    assert isinstance(form, UpdateForm)
    campaign = _needed_campaign(scope, form)
    changed = read_campaign_update(_changes(scope, form), campaign)
    if not changed.for_vouchers:
        raise InvalidInput("nothing that the vouchers have would change; fill in at least one of the fields", field="category")
    change_campaign(db.session(), scope, campaign, changed, now=utc_now())
    return started(ask_for_task(scope, type_, campaign_parameters(campaign) | {"changes": changed.for_vouchers}))


def _changes(scope: ProjectScope, form: UpdateForm) -> Json:
    category = (form.category.data or "").strip()
    body: Json = {"category": category} if category else {}
    for field, edge in ((form.start_date, Edge.START), (form.expiration_date, Edge.END)):
        typed = (field.data or "").strip()
        if not typed:
            continue
        try:
            body[field.name] = iso_utc(parse_typed(typed, scope.time_zone, edge).at)
        except InvalidInput as error:
            raise InvalidInput(error.reason, field=field.name) from None
    voucher = read_object(form.voucher.data, "voucher")
    return body | ({"voucher": voucher} if voucher else {})


def _start_deletion(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    assert isinstance(form, DeleteForm)
    campaign = _needed_campaign(scope, form)
    parameters = campaign_parameters(campaign)
    campaign.deleted_at = utc_now()
    return started(ask_for_task(scope, type_, parameters))


STARTERS: dict[Way, Callable[[ProjectScope, TaskType, StartForm], ResponseReturnValue]] = {
    Way.CSV: _start_csv,
    Way.ROWS: _start_rows,
    Way.METADATA: _start_metadata,
    Way.PURGE: _start_purge,
    Way.GENERATE: _start_generation,
    Way.UPDATE: _start_update,
    Way.DELETE: _start_deletion,
}
