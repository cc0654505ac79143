"""Records the calls that a WSGI or ASGI service answers and sends them to an Auditpanel, without slowing or breaking the service."""

from .asgi import ASGILogger
from .sender import Sender
from .wsgi import WSGILogger

__all__ = ["ASGILogger", "Sender", "WSGILogger"]
