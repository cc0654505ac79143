"""The logs of a project by their paths, as a client of the API finds them and as they lie in the tables."""

from __future__ import annotations

import httpx
from sqlalchemy import select

from auditpanel.logs.models import Log, LogContent
from tests.faults.whole_panel import Target, WholePanel

# The questions of this module are recorded too.
OWN_PATH = "/v1/logs"


def paths_by_api(panel: WholePanel, target: Target) -> list[str]:
    paths, ids, cursor = [], set(), None
    with httpx.Client(base_url=panel.url, headers=target.headers, timeout=20, trust_env=False) as http:
        while True:
            query = {"range": "all", "limit": "100"} | ({"cursor": cursor} if cursor else {})
            page = http.get(OWN_PATH, params=query).raise_for_status().json()
            lines = [line for line in page["logs"] if line["path"] != OWN_PATH]
            paths += [line["path"] for line in lines]
            ids |= {line["id"] for line in lines}
            cursor = page["cursor"]
            if cursor is None:
                assert len(ids) == len(paths)
                return paths


def paths_in_database(panel: WholePanel, target: Target) -> list[str]:
    """Each log has its content, and no content is without its log."""
    with panel.session() as session:
        logs = session.execute(select(Log.id, Log.path).where(Log.project_id == target.project_id)).all()
        contents = session.scalars(select(LogContent.id).where(LogContent.project_id == target.project_id)).all()
    assert sorted(contents) == sorted(log.id for log in logs)
    return [log.path for log in logs if log.path != OWN_PATH]
