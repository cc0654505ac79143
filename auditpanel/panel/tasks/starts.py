"""Starting a background task from the panel: what it needs is asked in a form; a CSV file is looked at before anything is done with it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from werkzeug.exceptions import RequestEntityTooLarge

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.campaigns import (
    CampaignFilters,
    get_campaign,
    list_campaigns,
)
from auditpanel.catalogue.finding import LARGEST_PAGE, PageAsked
from auditpanel.catalogue.preview import preview
from auditpanel.errors import InvalidInput, NotFound, TooLarge
from auditpanel.extensions import csrf, db
from auditpanel.panel.scope import current_scope, require_role
from auditpanel.panel.tasks.asking import ask_for_task, record_refusal
from auditpanel.panel.tasks.forms import (
    WAYS,
    StartForm,
    Way,
    form_for,
    resource_of,
)
from auditpanel.panel.tasks.record import bytes_text
from auditpanel.panel.tasks.starters import JSON_LIMIT_BYTES, STARTERS, FileRefused, campaign_parameters, schema, started, template
from auditpanel.panel.tasks.waiting_uploads import read_token
from auditpanel.panel.views import PanelView
from auditpanel.tasks import uploads
from auditpanel.tasks.values import TaskType

Json = dict[str, object]

LIST_TOO_LARGE = f"The list is larger than {JSON_LIMIT_BYTES // 1024**2} MiB; split it, and start a task with each part."
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
        if request.method == "GET" and "type" not in request.args:
            groups = [(title, [(type_, WORDS[way]) for type_, way in WAYS.items() if type_.startswith(begin)]) for title, begin in GROUPS]
            return render_template("tasks/start.html", groups=groups)
        if request.method == "POST":
            _protect(scope)
        type_ = _type()
        form = form_for(type_)
        if not form.validate_on_submit():
            return _page(scope, type_, form)
        try:
            return STARTERS[WAYS[type_]](scope, type_, form)
        except InvalidInput as error:
            db.session.rollback()
            form.refuse(error)
            task_id = error.task_id if isinstance(error, FileRefused) else None
            return _page(scope, type_, form, refusal_url=url_for("tasks.show", task_id=task_id) if task_id else None)

    @expose("/start/preview", methods=["GET", "POST"])
    def preview(self) -> ResponseReturnValue:
        scope = _scope()
        waiting = read_token(scope, request.args.get("upload", ""))
        campaign = get_campaign(db.session(), scope, waiting.campaign_id) if waiting.campaign_id else None
        if request.method == "POST":
            return started(ask_for_task(scope, waiting.type, campaign_parameters(campaign), waiting.upload))
        return render_template(
            "tasks/preview.html",
            waiting=waiting,
            size=bytes_text(waiting.upload.size_bytes),
            campaign=campaign,
            resource=resource_of(waiting.type),
            preview=preview(waiting.upload.path, resource_of(waiting.type), schema(scope, resource_of(waiting.type)), template(campaign)),
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


def _protect(scope: ProjectScope) -> None:
    """Not before the login is checked, and not by the form's own check, to which what is too large is no form at all."""
    told = request.args.get("type", "")
    way = WAYS[TaskType(told)] if told in list(TaskType) else None
    if way is Way.CSV:
        request.max_content_length = uploads.LIMIT_BYTES + uploads.FORM_ROOM_BYTES
    elif way is not None:
        request.max_content_length = JSON_LIMIT_BYTES + uploads.FORM_ROOM_BYTES
        request.max_form_memory_size = JSON_LIMIT_BYTES
    try:
        csrf.protect()
    except RequestEntityTooLarge:
        raise TooLarge(_refused_file(scope, _type()) if way is Way.CSV else LIST_TOO_LARGE) from None


def _refused_file(scope: ProjectScope, type_: TaskType) -> str:
    error = uploads.too_large()
    task_id = record_refusal(scope, type_, {}, file_name="file", error=error)
    return f"{error[:1].upper()}{error[1:]}. The task that says so is {task_id}."


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
        keys=sorted(schema(scope, resource_of(type_))) if way is Way.PURGE else [],
        refusal_url=refusal_url,
    )
    return render_template("tasks/start_form.html", page=page), 400 if form.errors else 200


def _campaign_names(scope: ProjectScope) -> list[str]:
    """The newest, as suggestions; any other can be typed."""
    found = list_campaigns(db.session(), scope, CampaignFilters(), PageAsked(limit=LARGEST_PAGE))
    return [campaign.name for campaign in found.rows]
