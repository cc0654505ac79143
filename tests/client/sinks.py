"""A sink that keeps what it gets."""

from __future__ import annotations

from collections.abc import Mapping


class Kept:
    def __init__(self) -> None:
        self.logs: list[dict[str, object]] = []
        self.hosts: list[Mapping[str, object]] = []

    def __call__(self, log: dict[str, object], host: Mapping[str, object], /) -> None:
        self.logs.append(log)
        self.hosts.append(host)

    @property
    def log(self) -> dict[str, object]:
        (log,) = self.logs
        return log


def header(log: Mapping[str, object], side: str, name: str) -> str | None:
    pairs = log[f"{side}_headers"]
    assert isinstance(pairs, list)
    return next((value for found, value in pairs if found.lower() == name.lower()), None)
