import os

from auditpanel import create_app
from auditpanel.config import Settings

app = create_app(Settings.from_environment(os.environ))
