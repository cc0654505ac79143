"""What has to be done now and then, whether anybody asks or not. Each function may run twice, or late."""

from __future__ import annotations

from auditpanel.extensions import db
from auditpanel.logs.partitions import make_months_ahead
from auditpanel.times import utc_now
from wsgi import app


def keep_house() -> None:
    """Make the months of logs that are to come, so that no call has to wait for it."""
    with app.app_context():
        make_months_ahead(db.engine, utc_now())
