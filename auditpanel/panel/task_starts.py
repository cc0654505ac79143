"""Starting a background task from the panel: what it needs is asked in a form; a CSV file is looked at before anything is done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.utils import redirect

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.campaigns import (
    CampaignFilters,
    change_campaign,
    find_campaign,
    get_campaign,
    inherited,
    list_campaigns,
    read_campaign_update,
)
from auditpanel.catalogue.finding import LARGEST_PAGE, PageAsked
from auditpanel.catalogue.metadata_schemas import find_schema, forget_key
from auditpanel.catalogue.models import Campaign, Resource
from auditpanel.catalogue.preview import check_file, preview
from auditpanel.catalogue.reading import check_storable
from auditpanel.catalogue.values import NewVoucher, read_voucher
from auditpanel.errors import AuditpanelError, InvalidInput, NotFound, TooLarge
from auditpanel.extensions import csrf, db
from auditpanel.ids import Prefix, format_id
from auditpanel.panel.scope import current_scope, require_role
from auditpanel.panel.task_asking import ask_for_task, record_refusal, uploads_folder
from auditpanel.panel.task_forms import (
    WAYS,
    CsvForm,
    DeleteForm,
    GenerateForm,
    MetadataForm,
    PurgeForm,
    RowsForm,
    StartForm,
    UpdateForm,
    Way,
    form_for,
    key_name_of,
    read_object,
    read_rows,
    resource_of,
)
from auditpanel.panel.task_record import bytes_text
from auditpanel.panel.views import PanelView, done
from auditpanel.panel.waiting_uploads import WaitingUpload, read_token, token_of
from auditpanel.tasks import uploads
from auditpanel.tasks.values import TaskType
from auditpanel.times import Edge, iso_utc, parse_typed, utc_now

Json = dict[str, object]

UPLOAD_LIMIT_BYTES = 256 * 1024**2
JSON_LIMIT_BYTES = 32 * 1024**2
FORM_ROOM_BYTES = 1024**2
GROUPS = (
    ("Vouchers", "VOUCHERS."),
    ("Vouchers of a campaign", "CAMPAIGN."),
    ("Customers", "CUSTOMERS."),
    ("Products", "PRODUCTS."),
    ("SKUs", "SKUS."),
)
WORDS = {
    Way.CSV: "Upload a CSV file, and see first what it would do",
    Way.ROWS: "A list in JSON, as a file or pasted",
    Way.METADATA: "Set the same metadata for those that you name",
    Way.PURGE: "Take a key off the metadata of all of them",
    Way.GENERATE: "Make new codes, like the campaign says",
    Way.UPDATE: "Change what all vouchers of a campaign have from it",
    Way.DELETE: "Delete a campaign with all its vouchers",
}


@dataclass(frozen=True, slots=True)
class StartPage:
    """`refusal_url` leads to the failed task that a refused file has left."""

    type: TaskType
    form: StartForm
    words: str
    button: str
    destroys: bool
    has_file: bool
    campaigns: list[str]
    keys: list[str]
    refusal_url: str | None = None


class TaskStarts(PanelView):
    @expose("/start", methods=["GET", "POST"])
    def start(self) -> ResponseReturnValue:
        scope = _scope()
        if "type" not in request.args:
            groups = [(title, [(type_, WORDS[way]) for type_, way in WAYS.items() if type_.startswith(begin)]) for title, begin in GROUPS]
            return render_template("tasks/start.html", groups=groups)
        type_ = _type()
        if request.method == "POST":
            # Not before the login is checked, and not by the form's own check, to which a large file is no form at all.
            request.max_content_length = UPLOAD_LIMIT_BYTES + FORM_ROOM_BYTES
            try:
                csrf.protect()
            except RequestEntityTooLarge:
                return _refused_whole(scope, type_)
        form = form_for(type_)
        if not form.validate_on_submit():
            return _page(scope, type_, form)
        try:
            return STARTERS[WAYS[type_]](scope, type_, form)
        except InvalidInput as error:
            db.session.rollback()
            form.refuse(error)
            return _page(scope, type_, form)

    @expose("/start/preview", methods=["GET", "POST"])
    def preview(self) -> ResponseReturnValue:
        scope = _scope()
        waiting = read_token(scope, request.args.get("upload", ""))
        campaign = get_campaign(db.session(), scope, waiting.campaign_id) if waiting.campaign_id else None
        if request.method == "POST":
            return _started(ask_for_task(scope, waiting.type, _of(campaign), waiting.upload))
        return render_template(
            "tasks/preview.html",
            waiting=waiting,
            size=bytes_text(waiting.upload.size_bytes),
            campaign=campaign,
            resource=resource_of(waiting.type),
            preview=preview(waiting.upload.path, resource_of(waiting.type), _schema(scope, resource_of(waiting.type)), _template(campaign)),
            back_url=url_for("tasks.start", type=waiting.type),
        )


csrf.exempt(f"{__name__}.start")


def _scope() -> ProjectScope:
    scope = current_scope()
    require_role(scope, Role.OPERATOR)
    return scope


def _type() -> TaskType:
    told = request.args.get("type", "")
    if told not in list(TaskType):
        raise NotFound(f'There is no type of task "{told[:60]}".')
    return TaskType(told)


def _page(scope: ProjectScope, type_: TaskType, form: StartForm, *, refusal_url: str | None = None) -> ResponseReturnValue:
    way = WAYS[type_]
    page = StartPage(
        type=type_,
        form=form,
        words=WORDS[way],
        button="Look at it first" if way is Way.CSV else "Delete the campaign" if way is Way.DELETE else "Start",
        destroys=way in (Way.DELETE, Way.PURGE),
        has_file=way in (Way.CSV, Way.ROWS),
        campaigns=_campaign_names(scope) if "campaign" in form else [],
        keys=sorted(_schema(scope, resource_of(type_))) if way is Way.PURGE else [],
        refusal_url=refusal_url,
    )
    return render_template("tasks/start_form.html", page=page), 400 if form.errors else 200


def _campaign_names(scope: ProjectScope) -> list[str]:
    """The newest, as suggestions; any other can be typed."""
    found = list_campaigns(db.session(), scope, CampaignFilters(), PageAsked(limit=LARGEST_PAGE))
    return [campaign.name for campaign in found.rows]


def _schema(scope: ProjectScope, resource: Resource) -> dict[str, Json]:
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


def _of(campaign: Campaign | None) -> Json:
    return {"campaign_id": format_id(Prefix.CAMPAIGN, campaign.id), "campaign": campaign.name} if campaign else {}


def _template(campaign: Campaign | None) -> NewVoucher | None:
    return inherited(campaign, read_voucher(campaign.voucher)) if campaign else None


def _started(task_id: str) -> ResponseReturnValue:
    return done("Started.", "tasks.show", task_id=task_id)


def _refused_whole(scope: ProjectScope, type_: TaskType) -> ResponseReturnValue:
    error = f"the file is larger than {UPLOAD_LIMIT_BYTES // 1024**2} MiB; split it, and send the parts one by one"
    task_id = record_refusal(scope, type_, {}, file_name="file", error=error)
    raise TooLarge(f"{error[:1].upper()}{error[1:]}. The task that says so is {task_id}.")


def _start_csv(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    """A file that is not taken leaves a failed task which says the same: somebody may look for it in the list."""
    assert isinstance(form, CsvForm)
    campaign, sent = _campaign(scope, form), form.file.data
    if not isinstance(sent, FileStorage) or not sent.filename:
        raise InvalidInput("choose a file", field="file")
    try:
        upload = uploads.keep(sent.stream, sent.filename, folder=uploads_folder(), limit_bytes=UPLOAD_LIMIT_BYTES)
        _check(upload, resource_of(type_))
    except (InvalidInput, TooLarge) as error:
        reason = error.reason if isinstance(error, InvalidInput) else str(error)
        task_id = record_refusal(scope, type_, _of(campaign), file_name=sent.filename, error=reason)
        form.refuse(InvalidInput(reason.removesuffix("."), field="file"))
        return _page(scope, type_, form, refusal_url=url_for("tasks.show", task_id=task_id))
    waiting = WaitingUpload(type_, upload, str(_of(campaign).get("campaign_id", "")))
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
    return _started(ask_for_task(scope, type_, _of(campaign), uploads.keep_rows(rows, folder=uploads_folder())))


def _start_metadata(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    assert isinstance(form, MetadataForm)
    keys, metadata = form.read_keys(), form.read_pairs(_schema(scope, resource_of(type_)))
    check_storable(metadata, "pairs")
    rows: list[Json] = [{key_name_of(type_): key} for key in keys]
    return _started(ask_for_task(scope, type_, {"metadata": metadata}, uploads.keep_rows(rows, folder=uploads_folder())))


def _start_purge(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    assert isinstance(form, PurgeForm)
    key = (form.key.data or "").strip()
    check_storable(key, "key")
    forget_key(db.session(), scope, resource_of(type_), key, now=utc_now())
    return _started(ask_for_task(scope, type_, {"key": key}))


def _start_generation(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    assert isinstance(form, GenerateForm)
    campaign, count = _needed_campaign(scope, form), form.read_count()
    campaign.vouchers_generation_status = "IN_PROGRESS"
    return _started(ask_for_task(scope, type_, _of(campaign) | {"vouchers_count": count, "voucher": {}}))


def _start_update(scope: ProjectScope, type_: TaskType, form: StartForm) -> ResponseReturnValue:
    assert isinstance(form, UpdateForm)
    campaign = _needed_campaign(scope, form)
    changed = read_campaign_update(_changes(scope, form), campaign)
    if not changed.for_vouchers:
        raise InvalidInput("nothing that the vouchers have would change; fill in at least one of the fields", field="category")
    change_campaign(db.session(), campaign, changed, now=utc_now())
    return _started(ask_for_task(scope, type_, _of(campaign) | {"changes": changed.for_vouchers}))


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
    parameters = _of(campaign)
    campaign.deleted_at = utc_now()
    return _started(ask_for_task(scope, type_, parameters))


STARTERS: dict[Way, Callable[[ProjectScope, TaskType, StartForm], ResponseReturnValue]] = {
    Way.CSV: _start_csv,
    Way.ROWS: _start_rows,
    Way.METADATA: _start_metadata,
    Way.PURGE: _start_purge,
    Way.GENERATE: _start_generation,
    Way.UPDATE: _start_update,
    Way.DELETE: _start_deletion,
}
