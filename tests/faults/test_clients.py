"""The middlewares of other services, while the panel that they send to is killed and started again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import httpx
import pytest

from auditpanel.client import Sender
from tests.faults.instrumented import fastapi_service, flask_service
from tests.faults.recorded import paths_by_api, paths_in_database
from tests.faults.started_panel import wait_for
from tests.faults.whole_panel import Target, WholePanel

pytestmark = pytest.mark.timeout(180)

Service = Callable[[Sender], AbstractContextManager[str]]


@pytest.fixture
def target(panel: WholePanel) -> Target:
    return panel.make_target()


@pytest.fixture
def senders(panel: WholePanel, target: Target) -> Iterator[tuple[Sender, Sender]]:
    pair = (make_sender(panel, target), make_sender(panel, target))
    yield pair
    for sender in pair:
        sender.close(0.0)


def make_sender(panel: WholePanel, target: Target) -> Sender:
    return Sender(panel.url, target.app_id, target.app_token, batch_size=20, interval_s=0.1)


def test_calls_recorded_while_the_panel_is_down_arrive_once(panel: WholePanel, target: Target, senders: tuple[Sender, Sender]) -> None:
    called: list[str] = []
    with ExitStack() as stack:
        shop, loyalty = (
            stack.enter_context(serve(sender)) for serve, sender in zip((flask_service, fastapi_service), senders, strict=True)
        )
        http = stack.enter_context(httpx.Client(trust_env=False))

        def call_both(part: str, count: int) -> None:
            for number in range(count):
                for url, path in ((shop, f"/orders/{part}-{number}"), (loyalty, f"/customers/{part}-{number}")):
                    assert http.post(url + path, json={"number": number}).status_code == 200
                    called.append(path)

        call_both("before", 50)
        wait_for(lambda: all(sender.counts.stored > 0 for sender in senders))
        panel.cut_the_power()
        call_both("without", 50)
        panel.start()
        call_both("after", 50)
        for sender in senders:
            assert sender.flush(60)
    for sender in senders:
        counts = sender.counts
        assert (counts.captured, counts.stored + counts.duplicates) == (150, 150), counts
        assert (counts.refused, counts.dropped, counts.failed, counts.pending) == (0, 0, 0, 0), counts
    assert Counter(called) == Counter(paths_by_api(panel, target)) == Counter(paths_in_database(panel, target))


def test_what_a_service_could_not_send_before_its_end_is_counted(panel: WholePanel, target: Target) -> None:
    sender = make_sender(panel, target)
    with flask_service(sender) as shop:
        panel.cut_the_power()
        for number in range(30):
            assert httpx.post(f"{shop}/orders/{number}", trust_env=False).status_code == 200
    sender.close(0.2)
    counts = sender.counts
    assert (counts.captured, counts.failed, counts.pending) == (30, 30, 0)
    panel.start()
    assert paths_in_database(panel, target) == []
