from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from auditpanel.client import Sender
from tests.client.log_receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().running() as receiver:
        yield receiver


@pytest.fixture
def make_sender(receiver: Receiver) -> Iterator[Callable[..., Sender]]:
    made: list[Sender] = []

    def make(**options: object) -> Sender:
        sender = Sender(
            str(options.pop("url", receiver.url)),
            "app-id",
            "app-token",
            **{"interval_s": 0.02, "first_pause_s": 0.02} | options,  # type: ignore[arg-type]
        )
        made.append(sender)
        return sender

    yield make
    for sender in made:
        sender.close(0.0)
