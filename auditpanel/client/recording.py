"""From a call to the sink: what both middlewares do alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from .capture import Call, Log
from .fitting import fitted
from .guard import Guard

# What a service may say about a call; the rest was seen.
_DESCRIBED = frozenset(("route", "origin", "channel", "user", "api_key", "customer", "client_ip", "request_id", "references"))

Describe = Callable[[Mapping[str, object], int], Mapping[str, object]]
Skip = Callable[[str], bool]


class Sink(Protocol):
    """Takes a log (the fields of `POST /v1/logs`) and the call's WSGI environ or ASGI scope.

    It is called in the thread that answers the call, before the answer's last byte leaves, so it must be quick.
    What it raises goes no further.
    """

    def __call__(self, log: Log, host: Mapping[str, object], /) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How calls are recorded.

    `describe` gets the environ or scope and the status when the answer begins, while what the service knows of the call is still there
    (in Flask: `g`, `current_user`); what it returns goes into the log. `skip` gets the path.
    """

    body_limit_bytes: int
    describe: Describe | None
    skip: Skip | None
    origin: str | None
    channel: str | None

    def __post_init__(self) -> None:
        if self.body_limit_bytes < 0:
            raise ValueError(f"body_limit_bytes: {self.body_limit_bytes} is below 0; write 0 to record no bodies")


class Recorder:
    """Gives each call to the sink once, whatever goes wrong on the way there."""

    def __init__(self, sink: Sink, options: Options, find_template: Callable[[Mapping[str, object]], str | None]) -> None:
        self._sink = sink
        self.options = options
        self._find_template = find_template
        self.guard = Guard()

    def wants(self, path: str) -> bool:
        with self.guard("skip"):
            return self.options.skip is None or not self.options.skip(path)
        # A call too many in the panel is better than one that nobody ever sees.
        return True

    def describe(self, call: Call, host: Mapping[str, object]) -> None:
        """To be called when the answer begins: Flask forgets the request, and with it the route, before the answer has ended."""
        described: Log = {name: value for name, value in (("origin", self.options.origin), ("channel", self.options.channel)) if value}
        with self.guard("finding the route"):
            template = self._find_template(host)
            if template is not None:
                described["route"] = f"{call.method} {template}"
        with self.guard("describe"):
            described |= self._described(host, call.status_code or 500)
        call.described = described

    def record(self, call: Call, host: Mapping[str, object]) -> None:
        with self.guard("recording a call"):
            if call.described is None:
                self.describe(call, host)
            self._sink(fitted(call.as_log() | (call.described or {})), host)

    def _described(self, host: Mapping[str, object], status_code: int) -> Log:
        if self.options.describe is None:
            return {}
        described = self.options.describe(host, status_code)
        if unknown := sorted(described.keys() - _DESCRIBED):
            raise ValueError(f"describe returned {', '.join(unknown)}; it can say {', '.join(sorted(_DESCRIBED))}")
        return {name: value for name, value in described.items() if value is not None}
