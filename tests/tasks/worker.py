"""`python -m tests.tasks.worker DATABASE_URL PROJECT TASK`: one run of one task, to be killed."""

from __future__ import annotations

import sys
from uuid import UUID

from sqlalchemy import create_engine

from auditpanel.tasks.runner import run_task
from tests.tasks.making import Counting, make_workshop

if __name__ == "__main__":
    engine = create_engine(sys.argv[1])
    print("begins", flush=True)
    run_task(make_workshop(engine, Counting()), UUID(sys.argv[2]), UUID(sys.argv[3]))
