"""The file of an export as an answer: whole, or the part with which a download that broke off goes on."""

from __future__ import annotations

from datetime import datetime, tzinfo

from flask import Response, after_this_request, current_app, request
from werkzeug.datastructures import ContentRange
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from auditpanel.config import Settings
from auditpanel.errors import AuditpanelError, NotFound
from auditpanel.exports.files import Files, blocks, files_of
from auditpanel.exports.records import ExportRecord, StoredFile
from auditpanel.exports.values import ExportStatus


def exports_files() -> Files:
    settings: Settings = current_app.config["SETTINGS"]
    return files_of(settings.exports_url, settings.data / "exports")


def answer_with_file(record: ExportRecord, files: Files, zone: tzinfo, *, content_type: str | None = None) -> Response:
    """Of the export's own content type, unless told; days in words are the zone's.

    The file is opened here, so that no answer begins that cannot go on. Raises NotFound where there is no file, or not any more, and
    Unavailable where the storage does not answer.
    """
    size_bytes, tag = record.line.file_bytes, record.sha256
    if record.file is None or size_bytes is None or tag is None:
        raise NotFound(no_file_words(record, zone))
    part = _part_asked(size_bytes, tag)
    start, stop = part or (0, size_bytes)
    file = files.open(record.file)
    answer = Response(blocks(file, start, stop), 206 if part else 200, content_type=content_type or record.line.media_type)
    # HEAD and 304 never begin to read, and what was not begun closes nothing.
    answer.call_on_close(file.close)
    answer.content_length = stop - start
    answer.accept_ranges = "bytes"
    if part:
        answer.content_range = ContentRange("bytes", start, stop, size_bytes)
    answer.set_etag(tag)
    answer.headers.set("Content-Disposition", "attachment", filename=record.download_name)
    answer.make_conditional(request)
    return answer


def remove_file(file: StoredFile) -> None:
    """After the commit that took it from its export: nobody can reach it any more, and what no export has is removed in the end."""
    try:
        exports_files().remove(file)
    except (AuditpanelError, OSError):
        current_app.logger.warning("file %s of an export could not be removed this time", file.name, exc_info=True)


def no_file_words(record: ExportRecord, zone: tzinfo) -> str:
    line = record.line
    if line.deleted_at is not None and (line.has_lost_file or line.is_stopped):
        deleted = f"deleted by {record.deleted_by} on {_day(line.deleted_at, zone)}"
        return f"The file was {deleted}. Run the export again." if line.has_lost_file else f"The export was {deleted}, before it was ready."
    if line.status is ExportStatus.DONE and line.expires_at is not None:
        return f"The file has expired on {_day(line.expires_at, zone)}. Run the export again."
    if line.status is ExportStatus.ERROR:
        return f"The export has failed, so there is no file: {line.error}"
    return f"The export is {line.status}: its file is there when it is {ExportStatus.DONE}."


def _day(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d}"


def _part_asked(size_bytes: int, tag: str) -> tuple[int, int] | None:
    """The bytes from, and up to without; None for all of them. Several parts at once are answered with the whole, as HTTP allows."""
    asked = request.range if request.method == "GET" and _is_same_file(tag) else None
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    ((start, stop),) = asked.ranges
    # The last so many bytes.
    start = max(0, size_bytes + start) if start < 0 else start
    if start >= size_bytes:
        _refuse_range(size_bytes)
    return start, min(stop or size_bytes, size_bytes)


def _is_same_file(tag: str) -> bool:
    """Whether what the caller has a part of is this file."""
    condition = request.if_range
    return (condition.etag is None and condition.date is None) or condition.etag == tag


def _refuse_range(size_bytes: int) -> None:
    @after_this_request
    def tell_size(answer: Response) -> Response:
        answer.headers["Content-Range"] = f"bytes */{size_bytes}"
        return answer

    raise RequestedRangeNotSatisfiable(size_bytes, description=f"Range: the file has {size_bytes:,} bytes; ask for a part of them.")
