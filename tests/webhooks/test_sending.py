"""One attempt, towards a real receiver: what arrives, what is kept of it, and how its failures are told."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from auditpanel.errors import Unavailable
from auditpanel.times import utc_now
from auditpanel.webhooks.addresses import guard_of
from auditpanel.webhooks.custom_headers import LEFT_OUT
from auditpanel.webhooks.sealing import new_secret
from auditpanel.webhooks.sending import Target, open_sender
from auditpanel.webhooks.signing import OWN_HEADER, Signer, SigningKey
from auditpanel.webhooks.values import RESPONSE_LIMIT_BYTES, Attempt, Headers, Message
from tests.event_loop import complete
from tests.webhooks.authority import Authority
from tests.webhooks.receiver import Receiver, receiving

SECRET = new_secret()
BODY = b'{"type":"voucher.created","data":{"code":"\xc3\xa9t\xc3\xa9"}}'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(Path(tmp_path_factory.mktemp("authority")))


def attempt(
    url: str,
    *,
    headers: Headers | None = None,
    timeout_s: float = 5.0,
    trust: ssl.SSLContext | None = None,
    allow_private: bool = True,
    times: int = 1,
    body: bytes = BODY,
) -> Attempt:
    """The last of so many."""
    target = Target(url, headers or [], Signer(SigningKey.of(SECRET)))

    async def run() -> Attempt:
        async with open_sender(guard_of(allow_private=allow_private), trust=trust, timeout_s=timeout_s) as sender:
            return [await sender.send(target, make_message(body)) for _ in range(times)][-1]

    return complete(run())


def make_message(body: bytes = BODY) -> Message:
    return Message("whs_0199c2f47b1e7d21a1f6e8407cd4c44b", body)


def error_of(url: str, *, timeout_s: float = 5.0, trust: ssl.SSLContext | None = None) -> str | None:
    made = attempt(url, timeout_s=timeout_s, trust=trust)
    assert not made.delivered and not made.is_final
    return made.error


def test_the_exact_body_arrives_with_signatures_that_receivers_verify(receiver: Receiver) -> None:
    made = attempt(receiver.to("/200"))
    [arrival] = receiver.arrivals
    assert made.delivered and arrival.body == BODY
    arrival.verify(SECRET)
    assert arrival.headers["content-type"] == "application/json" and arrival.headers["user-agent"].startswith("Auditpanel")


def test_what_is_kept_of_the_request_is_what_arrived(receiver: Receiver) -> None:
    made = attempt(receiver.to("/200"))
    assert {name.lower(): value for name, value in made.request_headers} == dict(receiver.arrivals[0].headers)


def test_custom_headers_arrive_and_their_values_are_left_out_of_what_is_kept(receiver: Receiver) -> None:
    made = attempt(receiver.to("/200"), headers=[("Authorization", "Bearer 8f3a"), ("User-Agent", "Acme")])
    [arrival] = receiver.arrivals
    assert arrival.headers["authorization"] == "Bearer 8f3a" and arrival.headers["user-agent"] == "Acme"
    assert ("Authorization", LEFT_OUT) in made.request_headers and "8f3a" not in str(made)


def test_the_answer_is_kept_with_its_headers_and_size(receiver: Receiver) -> None:
    answer = attempt(receiver.to("/500")).answer
    assert answer and (answer.status_code, answer.body, answer.size_bytes, answer.is_cut) == (500, "answer 500", 10, False)
    assert ("Content-Length", "10") in answer.headers


def test_a_large_answer_is_cut_and_marked(receiver: Receiver) -> None:
    answer = attempt(receiver.to("/large")).answer
    assert answer and (len(answer.body), answer.size_bytes, answer.is_cut) == (RESPONSE_LIMIT_BYTES, RESPONSE_LIMIT_BYTES, True)


def test_an_answer_that_is_no_text_can_still_be_stored(receiver: Receiver) -> None:
    answer = attempt(receiver.to("/binary")).answer
    assert answer and answer.body == "\ufffd\ufffd\ufffd<ok>"


@pytest.mark.parametrize(("charset", "text"), [("windows-1252", "café-9"), ("ISO-8859-1", "café-9"), ("utf-8", "caf\ufffd-9")])
def test_an_answer_is_read_in_the_charset_that_it_names(receiver: Receiver, charset: str, text: str) -> None:
    answer = attempt(receiver.to(f"/charset?of={charset}")).answer
    assert answer and answer.body.startswith(text)


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "zip", "no-such"])
def test_a_charset_that_is_none_of_the_usual_is_not_used(receiver: Receiver, charset: str) -> None:
    answer = attempt(receiver.to(f"/charset?of={charset}")).answer
    assert answer and answer.body == "caf\ufffd-" + "9" * 65_530


def test_an_echo_of_custom_headers_is_kept_without_their_values(receiver: Receiver) -> None:
    answer = attempt(receiver.to("/echo"), headers=[("Authorization", "Bearer 8f3a-0e1d")]).answer
    assert receiver.arrivals[0].headers["authorization"] == "Bearer 8f3a-0e1d"
    assert answer and "8f3a" not in str(answer)
    assert f"Authorization: {LEFT_OUT}" in answer.body and ("X-Echo", LEFT_OUT) in answer.headers
    assert "webhook-id: whs_" in answer.body


@pytest.mark.parametrize(
    "shown", [SECRET, SECRET.removeprefix("whsec_"), quote(SECRET, safe="")], ids=["as shown", "without prefix", "in a URL"]
)
def test_a_receiver_that_shows_the_secret_is_kept_without_it(receiver: Receiver, shown: str) -> None:
    receiver.said = f"WEBHOOK_SECRET={shown};"
    answer = attempt(receiver.to("/echo")).answer
    assert answer and answer.body.endswith(f"WEBHOOK_SECRET={LEFT_OUT};") and shown not in answer.body


def test_a_redirect_is_a_failure_and_not_followed(receiver: Receiver) -> None:
    made = attempt(receiver.to("/redirect"))
    assert made.answer and made.answer.status_code == 302 and not made.delivered
    assert len(receiver.arrivals) == 1


def test_a_connection_is_used_again(receiver: Receiver) -> None:
    made = attempt(receiver.to("/200"), times=20)
    assert made.delivered and len(receiver.arrivals) == 20
    assert len({arrival.port for arrival in receiver.arrivals}) == 1


def test_long_messages_use_a_connection_again(receiver: Receiver) -> None:
    body = b'"' + b"x" * 300_000 + b'"'
    assert attempt(receiver.to("/200"), body=body, times=3).delivered
    assert [arrival.body for arrival in receiver.arrivals] == [body] * 3
    assert len({arrival.port for arrival in receiver.arrivals}) == 1


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_behind_a_message_that_is_answered_before_all_of_it_has_left_no_other_goes_out(authority: Authority, is_encrypted: bool) -> None:
    body = b'"' + b"x" * 50_000_000 + b'"'
    with receiving(tls=authority.server() if is_encrypted else None) as receiver:
        assert attempt(receiver.to("/early"), body=body, times=3, trust=authority.trust if is_encrypted else None).delivered
        assert len({arrival.port for arrival in receiver.arrivals}) == 3


def test_what_comes_after_an_answer_is_not_taken_for_the_next_one(receiver: Receiver) -> None:
    async def run() -> Attempt:
        async with open_sender(guard_of(allow_private=True)) as sender:
            for path in ("/stray", "/500"):
                target = Target(receiver.to(path), [], Signer(SigningKey.of(SECRET)))
                made = await sender.send(target, make_message())
                await asyncio.sleep(0.2)
            return made

    answer = complete(run()).answer
    assert answer and (answer.status_code, answer.body) == (500, "answer 500")


def test_an_answer_whose_type_is_not_written_as_it_should_be_is_an_answer(receiver: Receiver) -> None:
    made = attempt(receiver.to("/malformed"))
    assert made.delivered and made.answer and made.answer.body == "ok"


def test_what_comes_before_the_answer_is_not_taken_for_it(receiver: Receiver) -> None:
    made = attempt(receiver.to("/hints"), times=2)
    assert made.answer and (made.answer.status_code, made.answer.body) == (200, "after hints")
    assert len({arrival.port for arrival in receiver.arrivals}) == 1


def test_a_header_with_a_line_break_is_not_sent(receiver: Receiver) -> None:
    made = attempt(receiver.to("/200"), headers=[("X-Shop", "acme\r\nContent-Length: 0")])
    assert made.error == "sending failed: ValueError" and not receiver.arrivals


def test_after_an_answer_without_a_body_the_connection_goes_on(receiver: Receiver) -> None:
    made = attempt(receiver.to("/204"), times=3)
    assert made.answer and (made.answer.status_code, made.answer.body, len(receiver.arrivals)) == (204, "", 3)


def test_what_is_cancelled_from_outside_ends_so(receiver: Receiver) -> None:
    target = Target(receiver.to("/hang"), [], Signer(SigningKey.of(SECRET)))

    async def run() -> None:
        async with open_sender(guard_of(allow_private=True)) as sender:
            sending = asyncio.create_task(sender.send(target, make_message()))
            while not receiver.arrivals:
                await asyncio.sleep(0.01)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending

    complete(run())


def test_no_answer_in_time_is_told_with_the_time(receiver: Receiver) -> None:
    made = attempt(receiver.to("/hang"), timeout_s=0.3)
    assert made.error == "no answer in 0.3 s" and 250 <= made.duration_ms < 900


@pytest.mark.parametrize(
    ("path", "words"),
    [("/cut", "the connection was cut before the answer was complete"), ("/garbage", "what came back is not HTTP")],
)
def test_a_broken_answer_is_told_in_plain_words(receiver: Receiver, path: str, words: str) -> None:
    assert error_of(receiver.to(path)) == words


def test_a_server_that_hangs_up_without_a_word_has_cut_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_hang_up, args=(server,))
        thread.start()
        assert error_of(f"http://127.0.0.1:{server.getsockname()[1]}/") == "the connection was cut before the answer was complete"
        thread.join()


def _hang_up(server: socket.socket) -> None:
    connection, _ = server.accept()
    connection.recv(10)
    connection.close()


def test_a_closed_port_is_a_connection_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert error_of(f"http://127.0.0.1:{port}/") == "connection refused"


def test_a_name_that_does_not_exist_does_not_resolve() -> None:
    assert (error_of("http://no-such-shop.invalid/") or "").startswith("the name does not resolve")


def test_a_good_certificate_is_accepted(authority: Authority) -> None:
    with receiving(tls=authority.server()) as receiver:
        assert attempt(receiver.to("/200"), trust=authority.trust).delivered


def test_an_expired_certificate_is_told_with_its_day(authority: Authority) -> None:
    with receiving(tls=authority.server(until=datetime(2026, 3, 3, 12, tzinfo=UTC))) as receiver:
        assert error_of(receiver.to("/200"), trust=authority.trust) == "TLS certificate expired on 3 Mar 2026"
        assert receiver.arrivals == []


def test_a_certificate_that_is_looked_at_after_the_time_is_up_is_told_all_the_same(authority: Authority) -> None:
    context = authority.server(until=datetime(2026, 3, 3, 12, tzinfo=UTC))
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_shake_hands_slowly, args=(server, context))
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        assert error_of(url, timeout_s=0.25, trust=authority.trust) == "TLS certificate expired on 3 Mar 2026"
        thread.join()


def _shake_hands_slowly(server: socket.socket, context: ssl.SSLContext) -> None:
    """But for the first time."""
    for pause_s in (0, 0.4):
        connection, _ = server.accept()
        threading.Event().wait(pause_s)
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as shaken:
            shaken.recv(1)


def test_a_certificate_of_another_address_is_told(authority: Authority) -> None:
    with receiving(tls=authority.server(address="192.0.2.7")) as receiver:
        assert "not valid for '127.0.0.1'" in (error_of(receiver.to("/200"), trust=authority.trust) or "")


def test_a_certificate_that_nobody_vouches_for_is_told(authority: Authority) -> None:
    with receiving(tls=authority.server()) as receiver:
        assert (error_of(receiver.to("/200")) or "").startswith("TLS certificate not accepted: unable to get local issuer certificate")


def test_a_server_without_tls_is_told(receiver: Receiver) -> None:
    assert (error_of(receiver.to("/200").replace("http:", "https:")) or "").startswith("TLS failed: ")


def test_a_secret_that_cannot_be_read_is_a_failure_in_words(receiver: Receiver) -> None:
    target = Target(receiver.to("/200"), [], Unavailable("encrypted with another SECRET_KEY"))

    async def run() -> Attempt:
        async with open_sender(guard_of(allow_private=True)) as sender:
            return await sender.send(target, make_message())

    made = complete(run())
    assert (made.error, made.delivered, receiver.arrivals) == ("encrypted with another SECRET_KEY", False, [])


def test_during_the_grace_period_both_secrets_sign(receiver: Receiver) -> None:
    older, newer = SECRET, new_secret()
    target = Target(receiver.to("/200"), [], Signer(SigningKey.of(newer), SigningKey.of(older)))

    async def run() -> None:
        async with open_sender(guard_of(allow_private=True)) as sender:
            await sender.send(target, make_message())

    complete(run())
    [arrival] = receiver.arrivals
    arrival.verify(older)
    arrival.verify(newer)
    assert arrival.headers[OWN_HEADER] == SigningKey.of(newer).own(BODY)
    assert arrival.headers[f"{OWN_HEADER}-previous"] == SigningKey.of(older).own(BODY)


def test_our_own_signature_is_the_documented_one() -> None:
    # By another implementation: printf '%s' '{"a":1}' | openssl dgst -sha256 -hmac 'whsec_c2VjcmV0'
    headers = dict(Signer(SigningKey.of("whsec_c2VjcmV0")).headers(_message(b'{"a":1}'), utc_now()))
    assert headers[OWN_HEADER] == "28fdc14c87a73d987934817247894b8ad07ef650fe85604f8aa9c9dec32c936d"


def _message(body: bytes) -> Message:
    return Message("whs_0199c2f47b1e7d21a1f6e8407cd4c44b", body)
