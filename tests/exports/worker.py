"""`python -m tests.exports.worker DATABASE_URL FOLDER PROJECT EXPORT [LIMIT_BYTES]`: one run of one export, to be killed.

With a limit, no file may grow beyond it: to the program this is as a disk that is full.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from uuid import UUID

from sqlalchemy import create_engine

from auditpanel.exports.files import LocalFiles
from auditpanel.exports.runner import run_export
from tests.exports.asking import make_workshop

if __name__ == "__main__":
    url, folder, project_id, export_id, *limits = sys.argv[1:]
    if limits:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limits[0]), int(limits[0])))
    engine = create_engine(url)
    print("begins", flush=True)
    run_export(make_workshop(engine, LocalFiles(Path(folder)), progress_every_s=0.1), UUID(project_id), UUID(export_id))
