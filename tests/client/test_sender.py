from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic, perf_counter
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditpanel.client import Sender
from tests.client.log_receiver import Batch, Receiver, Reply, accept, unavailable, wait_until

MakeSender = Callable[..., Sender]


def make_log(**fields: object) -> dict[str, object]:
    return {"id": str(uuid4()), "occurred_at": "2026-11-24T12:00:00+00:00", "path": "/", "status_code": 200} | fields


def send(sender: Sender, *logs: dict[str, object]) -> None:
    for log in logs:
        sender(log, {})


def assert_all_accounted_for(sender: Sender) -> None:
    counts = sender.counts
    settled = counts.stored + counts.duplicates + counts.refused + counts.dropped + counts.failed
    assert counts.captured == settled + counts.pending, counts


def test_logs_arrive_in_order_with_the_keys_of_the_project(receiver: Receiver, make_sender: MakeSender) -> None:
    sender = make_sender()
    send(sender, *(make_log(path=f"/{number}") for number in range(20)))
    assert sender.flush(5)
    assert receiver.paths == [f"/{number}" for number in range(20)]
    headers = receiver.batches[0].headers
    assert (headers["path"], headers["X-App-Id"], headers["X-App-Token"]) == ("/v1/logs", "app-id", "app-token")
    assert (sender.counts.captured, sender.counts.stored, sender.counts.pending) == (20, 20, 0)


def test_batches_go_over_one_connection(receiver: Receiver, make_sender: MakeSender) -> None:
    sender = make_sender(batch_size=5)
    send(sender, *(make_log() for _ in range(50)))
    assert sender.flush(5)
    assert len(receiver.batches) >= 10
    assert max(len(batch.logs) for batch in receiver.batches) == 5
    assert len({batch.client_port for batch in receiver.batches}) == 1


def test_a_request_stays_below_four_mebibytes(receiver: Receiver, make_sender: MakeSender) -> None:
    sender = make_sender(interval_s=5)
    # Six characters of JSON for each: what the logs take in memory says little.
    send(sender, *(make_log(response_body="\x01" * 64_000) for _ in range(60)))
    assert sender.flush(20)
    assert sender.counts.stored == 60
    assert 4 * 1024 * 1024 > max(batch.size_bytes for batch in receiver.batches) > 3 * 1024 * 1024


def test_a_failed_batch_is_sent_again_with_the_same_ids(receiver: Receiver, make_sender: MakeSender) -> None:
    receiver.replies = [unavailable, unavailable]
    sender = make_sender()
    send(sender, make_log(), make_log())
    assert sender.flush(5)
    first, second, third = receiver.batches
    assert first.ids == second.ids == third.ids
    assert (sender.counts.stored, sender.counts.failed) == (2, 0)


def test_a_lost_answer_ends_in_duplicates_not_in_two_logs(receiver: Receiver, make_sender: MakeSender) -> None:
    sender = make_sender(timeout_s=0.1)
    receiver.reply = lambda batch: Reply(202, {"stored": 0, "duplicates": len(batch.logs), "refused": []})
    receiver.gate.clear()
    send(sender, make_log())
    wait_until(lambda: len(receiver.batches) >= 2)
    receiver.gate.set()
    assert sender.flush(5)
    assert len({log["id"] for log in receiver.logs}) == 1
    assert (sender.counts.stored, sender.counts.duplicates) == (0, 1)


def test_a_panel_that_is_down_gets_everything_once_it_is_up(make_sender: MakeSender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sender = make_sender(url=f"http://127.0.0.1:{port}")
    send(sender, *(make_log() for _ in range(30)))
    assert not sender.flush(0.1)
    assert sender.counts.pending == 30
    with Receiver().running(port) as receiver:
        assert sender.flush(10)
        assert len(receiver.logs) == 30
    assert sender.counts.stored == 30


def test_a_connection_that_the_panel_closed_when_idle_costs_nothing(
    receiver: Receiver, make_sender: MakeSender, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.idle_timeout_s = 0.05
    sender = make_sender()
    for stored in (1, 2):
        send(sender, make_log())
        assert sender.flush(5)
        assert sender.counts.stored == stored
        wait_until(lambda: receiver.open_connections == 0)
    assert len(receiver.batches) == 2
    assert not caplog.records


def in_two_seconds() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize("retry_after", [lambda: "1", in_two_seconds])
def test_too_many_requests_waits_as_long_as_the_panel_asks(
    receiver: Receiver, make_sender: MakeSender, retry_after: Callable[[], str]
) -> None:
    receiver.replies = [lambda batch: Reply(429, {"message": "slower"}, {"Retry-After": retry_after()})]
    sender = make_sender()
    started_s = monotonic()
    send(sender, make_log())
    assert sender.flush(10)
    assert 0.9 <= monotonic() - started_s <= 5
    assert len(receiver.batches) == 2
    assert sender.counts.stored == 1


def test_a_refused_key_is_not_tried_again(receiver: Receiver, make_sender: MakeSender, caplog: pytest.LogCaptureFixture) -> None:
    receiver.reply = lambda batch: Reply(401, {"message": "Log in first", "details": "no such key"})
    sender = make_sender()
    send(sender, make_log(), make_log())
    assert sender.flush(5)
    assert len(receiver.batches) == 1
    assert sender.counts.refused == 2
    assert "2 logs refused: the panel answered 401: Log in first no such key" in caplog.text


def test_a_batch_that_is_too_large_is_halved_until_it_fits(receiver: Receiver, make_sender: MakeSender) -> None:
    def at_most_three(batch: Batch) -> Reply:
        too_large = len(batch.logs) > 3 or any(log["path"] == "/huge" for log in batch.logs)
        return Reply(413, {"message": "That is too large"}) if too_large else accept(batch)

    receiver.reply = at_most_three
    sender = make_sender(interval_s=1)
    send(sender, *(make_log(path=path) for path in ("/1", "/2", "/huge", "/4", "/5", "/6", "/7", "/8")))
    assert sender.flush(5)
    assert (sender.counts.stored, sender.counts.refused) == (7, 1)
    assert_all_accounted_for(sender)


def test_refused_logs_of_a_stored_batch_are_told_with_the_reason(
    receiver: Receiver, make_sender: MakeSender, caplog: pytest.LogCaptureFixture
) -> None:
    refused = [{"index": 1, "reason": "path: is empty"}]
    receiver.reply = lambda batch: Reply(202, {"stored": 1, "duplicates": 1, "refused": refused})
    sender = make_sender(interval_s=1)
    send(sender, make_log(), make_log(path=""), make_log())
    assert sender.flush(5)
    assert (sender.counts.stored, sender.counts.duplicates, sender.counts.refused) == (1, 1, 1)
    assert "1 log refused: log 1 of the batch: path: is empty" in caplog.text


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", {"stored": 0, "duplicates": 0, "refused": []}, {"stored": "many"}, []])
def test_an_answer_that_is_not_a_panels_counts_nothing_as_stored(receiver: Receiver, make_sender: MakeSender, body: object) -> None:
    receiver.reply = lambda batch: Reply(202, body)
    sender = make_sender()
    send(sender, make_log())
    assert sender.flush(5)
    assert (sender.counts.stored, sender.counts.refused) == (0, 1)


def test_a_full_queue_drops_the_new_and_says_how_many(
    receiver: Receiver, make_sender: MakeSender, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.gate.clear()
    sender = make_sender(queue_limit=10)
    send(sender, *(make_log(path=f"/{number}") for number in range(25)))
    counts = sender.counts
    assert (counts.captured, counts.pending, counts.dropped) == (25, 10, 15)
    assert len([record for record in caplog.records if "dropped" in record.getMessage()]) == 1
    receiver.gate.set()
    assert sender.flush(5)
    assert receiver.paths == [f"/{number}" for number in range(10)]
    sender.close()
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["1 log dropped", "14 logs dropped"]


def test_memory_stays_within_the_limit_while_the_panel_hangs(receiver: Receiver, make_sender: MakeSender) -> None:
    receiver.gate.clear()
    limit_bytes = 8 * 1024 * 1024
    sender = make_sender(queue_limit_bytes=limit_bytes)
    tracemalloc.start()
    try:
        for number in range(2_000):
            send(sender, make_log(response_body=f"{number:5}" * 4_000, request_headers=[("Accept", "é" * 50)] * 20))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Beside the queue: one batch as JSON, packed, and unpacked by the receiver, which runs in this process too.
    assert limit_bytes / 2 < peak_bytes < limit_bytes + 5 * 4 * 1024 * 1024
    assert sender.counts.dropped > 1_000
    assert_all_accounted_for(sender)


def test_giving_a_log_away_takes_microseconds_while_the_panel_hangs(receiver: Receiver, make_sender: MakeSender) -> None:
    receiver.gate.clear()
    sender = make_sender()
    logs = [make_log() for _ in range(2_000)]
    started_s = perf_counter()
    send(sender, *logs)
    assert (perf_counter() - started_s) / len(logs) < 0.001


def test_what_is_no_json_is_counted_and_does_not_hold_up_the_rest(receiver: Receiver, make_sender: MakeSender) -> None:
    sender = make_sender()
    send(sender, make_log(duration_ms=float("nan")), make_log(path="/\udc80"), make_log(user=uuid4()))
    assert sender.flush(5)
    assert (sender.counts.failed, sender.counts.stored) == (1, 2)
    assert receiver.paths == ["/?", "/"]


def test_closing_gives_up_in_time_and_counts_what_is_lost(
    receiver: Receiver, make_sender: MakeSender, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.gate.clear()
    sender = make_sender()
    send(sender, *(make_log() for _ in range(7)))
    started_s = monotonic()
    sender.close(0.2)
    assert monotonic() - started_s < 2
    assert (sender.counts.failed, sender.counts.pending) == (7, 0)
    assert "7 logs failed: not sent within the 0.2 s that were left" in caplog.text
    send(sender, make_log())
    assert sender.counts.dropped == 1
    receiver.gate.set()
    assert_all_accounted_for(sender)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    outcomes=st.lists(st.sampled_from(["stored", "500", "400", "413", "partly", "garbage"]), max_size=8),
    threads=st.integers(1, 4),
    queue_limit=st.integers(1, 60),
    batch_size=st.integers(1, 20),
)
def test_nothing_is_dropped_silently(
    receiver: Receiver, make_sender: MakeSender, outcomes: list[str], threads: int, queue_limit: int, batch_size: int
) -> None:
    replies: dict[str, Callable[[Batch], Reply]] = {
        "stored": accept,
        "500": unavailable,
        "400": lambda batch: Reply(400, {"message": "no"}),
        "413": lambda batch: Reply(413, {}),
        "partly": lambda batch: Reply(202, {"stored": len(batch.logs) - 1, "duplicates": 0, "refused": [{"index": 0, "reason": "no"}]}),
        "garbage": lambda batch: Reply(202, b"?"),
    }
    receiver.batches.clear()
    receiver.replies = [replies[outcome] for outcome in outcomes]
    sender = make_sender(queue_limit=queue_limit, batch_size=batch_size, interval_s=0.0, first_pause_s=0.001)
    senders = [threading.Thread(target=send, args=(sender, *(make_log() for _ in range(20)))) for _ in range(threads)]
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join()
        assert_all_accounted_for(sender)
    assert sender.flush(10)
    counts = sender.counts
    assert (counts.captured, counts.pending, counts.failed) == (threads * 20, 0, 0)
    assert len({log["id"] for log in receiver.logs}) == counts.captured - counts.dropped
    sender.close()


def test_a_forked_process_sends_its_own_logs_and_not_its_parents(receiver: Receiver, make_sender: MakeSender) -> None:
    receiver.gate.clear()
    sender = make_sender(interval_s=0.2)
    send(sender, make_log(path="/parent"))
    child = os.fork()
    if child == 0:
        send(sender, make_log(path="/child"))
        sender.flush(10)
        counts = sender.counts
        os._exit(0 if (counts.captured, counts.stored) == (1, 1) else 1)
    receiver.gate.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sender.flush(5)
    assert sorted(map(str, receiver.paths)) == ["/child", "/parent"]


def test_a_fork_while_other_threads_send_never_hangs_the_child(receiver: Receiver, make_sender: MakeSender) -> None:
    sender = make_sender(interval_s=0.0, queue_limit=100_000)
    stop = threading.Event()

    def keep_sending() -> None:
        while not stop.is_set():
            send(sender, make_log())

    thread = threading.Thread(target=keep_sending)
    thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                signal.alarm(10)
                send(sender, make_log(path="/child"))
                os._exit(0 if sender.flush(8) else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        thread.join()
    assert receiver.paths.count("/child") == 20


PROGRAM = """
import atexit, logging, sys, time
# Registered before the sender's own, so it runs after it.
atexit.register(lambda: print(time.monotonic() - ended_s))
from auditpanel.client import Sender
logging.basicConfig()
sender = Sender(sys.argv[1], "id", "token", interval_s=60)
for number in range(3):
    sender({"id": str(number), "path": f"/{number}", "status_code": 200}, {})
ended_s = time.monotonic()
"""


def run_program(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM, url], capture_output=True, text=True, timeout=30)


def test_a_process_that_ends_sends_what_is_left(receiver: Receiver) -> None:
    done = run_program(receiver.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert receiver.paths == ["/0", "/1", "/2"]


def test_a_process_that_ends_beside_a_hanging_panel_waits_five_seconds_at_most(receiver: Receiver) -> None:
    receiver.gate.clear()
    done = run_program(receiver.url)
    assert 4.5 < float(done.stdout) < 7
    assert done.returncode == 0
    assert "3 logs failed: not sent within the 5.0 s that were left" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "panel:8000"}, 'url: "panel:8000" is not the address of a panel'),
        ({"batch_size": 1_001}, "batch_size: 1001 is not between 1 and 1000"),
        ({"queue_limit": 0}, "must both be above 0"),
        ({"interval_s": -1}, "interval_s: -1 is below 0 seconds"),
    ],
)
def test_a_wrong_setting_is_told_at_once(make_sender: MakeSender, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_sender(**options)


def test_the_url_may_have_a_path(receiver: Receiver, make_sender: MakeSender) -> None:
    sender = make_sender(url=receiver.url + "/audit/")
    send(sender, make_log())
    assert sender.flush(5)
    assert receiver.batches[0].headers["path"] == "/audit/v1/logs"


def test_waiting_logs_are_told_of_once(receiver: Receiver, make_sender: MakeSender, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    receiver.replies = [unavailable] * 4
    sender = make_sender()
    send(sender, make_log())
    assert sender.flush(5)
    (record,) = caplog.records
    assert record.getMessage().startswith("waiting logs: 1; next try in 0.0 s: answered 500: the database does not answer")
