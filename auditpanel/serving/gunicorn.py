"""How gunicorn serves the panel. The names are those of its settings."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

from auditpanel.config import Settings
from auditpanel.processes import die_with_parent

_settings = Settings.from_environment(os.environ)

bind = f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
workers = _settings.web_workers
worker_class = "gthread"
threads = 8
timeout = 60
# Below what the supervisor waits before it kills.
graceful_timeout = 6
# A heartbeat on a disk that is busy would make a healthy worker look dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
# Calls are recorded as logs of the panel itself.
accesslog = None
loglevel = "warning"
max_requests = 0
control_socket_disable = True
# A list's filters are in its address; the default is half of this.
limit_request_line = 8190
# X-Forwarded-… is the application's to read, and only behind a proxy.
forwarded_allow_ips = ""


def post_fork(server: object, worker: object) -> None:
    die_with_parent(signal.SIGTERM)


def post_worker_init(worker: object) -> None:
    """What the application is made of stays. A look through all of it for what may go took 0.1 s, in the middle of some request."""
    gc.collect()
    gc.freeze()
