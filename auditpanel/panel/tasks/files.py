"""The downloads of a background task: the file as it came, and its refused rows. No browser shows either of them as a page.

They hold all that was sent, secrets too, since refused rows are to be corrected and sent again: so viewers do not get them.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from flask import Response, request, send_file
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.csv_files import open_csv
from auditpanel.catalogue.refused_csv import layout_of, write_refused
from auditpanel.catalogue.refused_json import came_as_json, write_refused_json
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.panel.scope import current_scope, require_role
from auditpanel.tasks.queries import list_refused
from auditpanel.tasks.records import TaskRecord
from auditpanel.tasks.values import Refused

READ_ROWS = 2_000
# Excel reads UTF-8 only where it begins with this.
MARK = "\ufeff"


def send_original(record: TaskRecord, path: Path) -> Response:
    """Raises NotFound where it is not kept any more, and Forbidden for viewers."""
    require_role(current_scope(), Role.OPERATOR)
    if record.file_name is None or not path.is_file():
        raise NotFound("The file of this task was not taken, or is not kept any more.")
    return _attached(
        send_file(path, mimetype="application/octet-stream", as_attachment=True, download_name=download_name(record.file_name))
    )


def send_refused(session: Session, scope: ProjectScope, record: TaskRecord, path: Path) -> Response:
    """As CSV, or with `?format=json` as the body of a call. Raises Forbidden for viewers.

    It is made whole before the first byte leaves: a file that breaks off would be taken for all there is.
    """
    require_role(scope, Role.OPERATOR)
    if not record.counts.refused:
        raise NotFound("No row of this task was refused.")
    file = tempfile.TemporaryFile()  # noqa: SIM115  # the answer closes it
    as_json = request.args.get("format") == "json"
    if as_json and not came_as_json(record.line.type):
        raise NotFound("The rows of this task did not come as JSON; take them as CSV.")
    if as_json:
        write_refused_json(file, record.line.type, record.parameters, _refused(session, scope, record))
    else:
        _write_csv(file, session, scope, record, path)
    file.seek(0)
    stem = download_name(record.file_name or record.line.type.lower()).rpartition(".")[0] or record.line.id
    kind = "json" if as_json else "csv"
    mimetype = "application/json" if as_json else "text/csv"
    return _attached(send_file(file, mimetype=mimetype, as_attachment=True, download_name=f"{stem}-refused.{kind}"))


def _write_csv(file: IO[bytes], session: Session, scope: ProjectScope, record: TaskRecord, path: Path) -> None:
    header, separator = _columns_of(record, path)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    text.write(MARK)
    layout = layout_of(header, separator, _refused(session, scope, record))
    write_refused(text, layout, _refused(session, scope, record))
    text.detach()


def download_name(name: str) -> str:
    """What any system takes as a file's name, and what hides nothing: no path, no marks that turn its direction."""
    kept = "".join(character if character.isalnum() or character in " .-_()" else "_" for character in name)
    return kept.strip(" .")[-120:] or "file"


def _columns_of(record: TaskRecord, path: Path) -> tuple[tuple[str, ...], str]:
    """Of the original, since what is stored of a row has not the order of its columns."""
    if record.line.type.endswith("_CSV") and path.is_file():
        try:
            file = open_csv(path)
            return file.header, file.separator
        except InvalidInput:
            pass
    return (), ","


def _refused(session: Session, scope: ProjectScope, record: TaskRecord) -> Iterator[Refused]:
    last = 0
    while rows := list_refused(session, scope, record.line.key.id, after_line=last, size=READ_ROWS):
        yield from rows
        last = rows[-1].line


def _attached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
