"""`python -m auditpanel COMMAND`: what `make up` and the Procfile run."""

from __future__ import annotations

import signal
import sys

# Before the slow imports: Ctrl-C while nothing runs yet ends this process and shows no traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from auditpanel.serving.start import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
