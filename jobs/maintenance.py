"""What has to be done now and then, whether anybody asks or not. Each function may run twice, or late."""

from __future__ import annotations

from sqlalchemy.orm import sessionmaker

from auditpanel.config import Settings
from auditpanel.exports.files import files_of
from auditpanel.exports.retention import remove_expired, remove_orphans
from auditpanel.extensions import db
from auditpanel.logs.partitions import make_months_ahead
from auditpanel.times import utc_now
from wsgi import app


def keep_house() -> None:
    """Make the months of logs that are to come, so that no call has to wait for it."""
    with app.app_context():
        make_months_ahead(db.engine, utc_now())


def remove_old_exports() -> None:
    """The files whose time is over, and those that no export has."""
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        sessions = sessionmaker(db.engine)
        files = files_of(settings.exports_url, settings.data / "exports")
        remove_expired(sessions, files, utc_now())
        remove_orphans(sessions, files, utc_now())
