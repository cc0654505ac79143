"""No way in: however an inner address is written or reached, no connection is made to it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from aiohttp import ClientConnectorError, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from auditpanel.errors import InvalidInput
from auditpanel.webhooks.addresses import AddressRefused, Guard, GuardedResolver, checked_url, guard_of, refusal
from auditpanel.webhooks.posting import Route, post
from auditpanel.webhooks.sealing import new_secret
from auditpanel.webhooks.sending import Target, open_sender
from auditpanel.webhooks.signing import Signer, SigningKey
from auditpanel.webhooks.values import Attempt, Message
from tests.event_loop import complete
from tests.webhooks.receiver import Receiver, receiving

REFUSED = """
    127.0.0.1 127.8.8.8 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 100.100.100.200
    192.0.0.8 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 168.63.129.16
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 2002:7f00:1:: 2002:a9fe:a9fe::
    64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 fe80::1 fe80::1%eth0 febf::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 ff0e::1
    2001:db8::1 3fff::1 2001::1 2001:20::1 100::1 5f00::1 4000::1
"""
ALLOWED = "1.1.1.1 8.8.8.8 172.32.0.1 100.128.0.1 2606:4700::1111 2a00:1450::1 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1"
# Of 127.0.0.1, by decimal, octal, hexadecimal, short forms, other scripts, IPv6 and names.
SPELLINGS = """
    127.0.0.1 127.1 127.0.1 2130706433 017700000001 0x7f000001 0x7f.1 0177.1 0177.0.0.01 0x7f.0x0.0x0.0x1 127.0.0.1. 0
    localhost LOCALHOST localhost. api.localhost [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:0:0:1] [::127.0.0.1]
    １２７.０.０.１ ①②⑦.0.0.1 127。0。0。1
"""
# Not every name server knows these, and then there is nothing to be refused.
UNKNOWN_TO_SOME = ("localhost.", "api.localhost")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.mark.parametrize("address", REFUSED.split())
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    reason = refusal(address)
    assert reason and reason.startswith(address)


@pytest.mark.parametrize("address", ALLOWED.split())
def test_a_public_address_is_allowed(address: str) -> None:
    assert refusal(address) is None


@given(st.ip_addresses(v=4))
def test_what_holds_for_an_ipv4_address_holds_for_it_inside_ipv6(address: object) -> None:
    refused = refusal(str(address)) is not None
    for wrapped in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert (refusal(wrapped) is not None) == refused, wrapped


@pytest.mark.parametrize("host", SPELLINGS.split())
def test_no_spelling_of_this_machine_is_taken_or_dialled(receiver: Receiver, host: str) -> None:
    url = receiver.to("/200").replace("127.0.0.1", host)
    with pytest.raises(InvalidInput) as refused:
        checked_url(url, allow_private=False)
    assert refused.value.field == "url"
    made = attempt(url)
    is_refused = made.is_final and (made.error or "").startswith("the address is not allowed: ")
    assert is_refused or (host in UNKNOWN_TO_SOME and made.error == "the name does not resolve")
    assert receiver.arrivals == []


@pytest.mark.parametrize("url", ["http://", "https:///path", "http://[::1", "ftp://127.0.0.1/", "127.0.0.1"])
def test_what_is_no_url_of_the_web_is_not_dialled(url: str) -> None:
    made = attempt(url)
    assert made.is_final and made.error == "the address is not allowed: it is not written as a URL with a host"


def attempt(url: str) -> Attempt:
    target = Target(url, [], Signer(SigningKey.of(new_secret())))

    async def run() -> Attempt:
        async with open_sender(guard_of(allow_private=False)) as sender:
            return await sender.send(target, Message("whs_0199c2f47b1e7d21a1f6e8407cd4c44b", b"{}"))

    return complete(run())


class _Changing(AbstractResolver):
    """Answers a public address first, and this machine from then on: what a name server does that means harm."""

    def __init__(self) -> None:
        self.answers = iter(["93.184.215.14"])

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=next(self.answers, "127.0.0.1"), port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


def test_a_name_that_changes_after_it_was_looked_at_is_refused_when_it_is_dialled(receiver: Receiver) -> None:
    async def run() -> None:
        resolver = _Changing()
        [looked_at] = await resolver.resolve("shop.example.com", 80)
        assert refusal(looked_at["host"]) is None
        route = Route.to(receiver.to("/200").replace("127.0.0.1", "shop.example.com"), [])
        async with TCPConnector(resolver=resolver, socket_factory=Guard().open_socket) as connector:
            with pytest.raises(ClientConnectorError) as refused:
                await post(connector, route, [], b"{}", most_bytes=1)
            assert isinstance(refused.value.os_error, AddressRefused)

    complete(run())
    assert receiver.arrivals == []


def test_a_name_is_looked_up_and_refused_for_its_address() -> None:
    async def run() -> None:
        resolver = GuardedResolver(Guard())
        with pytest.raises(AddressRefused, match="loopback"):
            await resolver.resolve("localhost", 80, socket.AF_UNSPEC)
        await resolver.close()

    complete(run())


@pytest.mark.parametrize("url", ["https://shop.example.com/webhooks?key=a%2Fb", "http://shop.example.com:8080", "https://bücher.example/ü"])
def test_a_plain_url_is_taken_as_it_is(url: str) -> None:
    assert checked_url(f"  {url}\n", allow_private=False) == url


def test_what_is_never_sent_is_left_out() -> None:
    assert checked_url("https://shop.example.com/a#part", allow_private=False) == "https://shop.example.com/a"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "is not a URL"),
        ("shop.example.com", "neither http nor https"),
        ("ftp://shop.example.com/", "neither http nor https"),
        ("file:///etc/passwd", "neither http nor https"),
        ("http:///webhooks", "names no host"),
        ("https://shop.example.com/a b", "without spaces"),
        ("https://shop.example.com/a\r\nX: y", "without spaces"),
        ("https://shop.example.com\\@evil.example.com/", "without spaces"),
        ("https://shop.example.com:99999/", "is not a URL"),
        ("https://[::1/", "is not a URL"),
        ("https://shop.example.com/" + "x" * 2_048, "up to 2048 characters"),
        ("http://user:hunter2@shop.example.com/", "send a custom header instead"),
        ("http://@shop.example.com/", "send a custom header instead"),
    ],
)
def test_what_is_no_url_for_a_webhook_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        checked_url(url, allow_private=True)
    assert "hunter2" not in str(refused.value)


def test_private_addresses_are_taken_where_the_operator_allows_them(receiver: Receiver) -> None:
    assert checked_url(receiver.to("/200"), allow_private=True) == receiver.to("/200")
