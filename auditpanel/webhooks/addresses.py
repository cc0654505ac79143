"""Where webhooks may go: to the public internet, unless the operator allows more. Two looks are taken.

At the URL, when it is given: so that a person learns at once what is wrong. And at each address, when a connection is made to it: that
one decides, because names, their answers and odd spellings (`0x7f.1`, `2130706433`, `::ffff:7f00:1`) have become an address by then.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from auditpanel.errors import InvalidInput

URL_LIMIT = 2_048
EXAMPLE = "write one like https://shop.example.com/webhooks"
# Names whose server does not answer hold a thread for half a minute; others have to be looked up beside them.
LOOKUPS_AT_ONCE = 64

# All that is given out for use on the internet lies in here.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_DOCUMENTATION = IPv6Network("3fff::/20")
_6TO4 = IPv6Network("2002::/16")
_NAT64 = IPv6Network("64:ff9b::/96")
# Of public ranges, yet answered by the inside of a cloud: Azure's own services; relays of 6to4, which nobody runs any more.
_SPECIAL = {IPv4Address("168.63.129.16")}
_6TO4_RELAYS = "192.88.99."

# As getaddrinfo answers: family, kind, protocol, canonical name, address and port.
Where = tuple[object, ...]
Dialled = tuple[int, int, int, str, Where]

_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")


class AddressRefused(OSError):
    """A connection that is not made. Its text tells the address and why."""


def checked_url(url: str, *, allow_private: bool) -> str:
    """The URL of a webhook, as it is stored. Raises InvalidInput where it is none, or is seen at once not to be allowed."""
    text = url.strip()
    if not text or len(text) > URL_LIMIT or _NOT_IN_A_URL.search(text):
        raise InvalidInput(f'"{text[:80]}" is not a URL of up to {URL_LIMIT} characters without spaces; {EXAMPLE}', field="url")
    parsed = _parse(text)
    if parsed.scheme not in ("http", "https"):
        raise InvalidInput(f'"{text[:80]}" is neither http nor https; {EXAMPLE}', field="url")
    if not parsed.raw_host:
        raise InvalidInput(f'"{text[:80]}" names no host; {EXAMPLE}', field="url")
    if "@" in parsed.raw_authority or "@" in text.split("/")[2]:
        raise InvalidInput(
            "holds a user or password, which everybody who sees the URL would read; send a custom header instead", field="url"
        )
    if not allow_private and (reason := _refusal_of_host(parsed.raw_host)):
        raise InvalidInput(f"{reason}; webhooks go to public addresses only", field="url")
    return text.partition("#")[0]


def refusal(address: str) -> str | None:
    """Why no webhook may go to this address, as the system writes it; None where it may."""
    parsed = ip_address(address.partition("%")[0])
    kind = _kind_of_ipv4(parsed) if isinstance(parsed, IPv4Address) else _kind_of_ipv6(parsed)
    return f"{address} is {kind}" if kind else None


class Guard:
    """Decides at the moment of connecting: aiohttp asks it for each socket, with the very address that is to be dialled."""

    def check(self, address: str) -> None:
        """Raises AddressRefused."""
        if reason := refusal(address):
            raise AddressRefused(reason)

    def open_socket(self, address: Dialled) -> socket.socket:
        family, kind, protocol, _, where = address
        self.check(str(where[0]))
        return socket.socket(family, kind, protocol)


class OpenGate(Guard):
    """Where the operator allows private addresses."""

    def check(self, address: str) -> None:
        pass


def guard_of(*, allow_private: bool) -> Guard:
    return OpenGate() if allow_private else Guard()


class GuardedResolver(AbstractResolver):
    """Looks names up in threads of its own: uvloop has four for all lookups, which a few dead names would hold.

    A name with one address that is refused is refused: where sockets are tried in turn, the reason of one would get lost.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="lookup")

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        return [_result(host, *dialled) for dialled in await self.look_up(host, port, family)]

    async def look_up(self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC) -> Sequence[Dialled]:
        """Raises AddressRefused, and OSError where the name does not resolve."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port, family)
        for dialled in found:
            self._guard.check(str(dialled[4][0]))
        return found

    async def close(self) -> None:
        # A name that hangs must not hold up the end.
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> Sequence[Dialled]:
    return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)


def _result(host: str, family: int, _: int, protocol: int, __: str, where: Where) -> ResolveResult:
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    address, port = where[:2]
    assert isinstance(port, int)
    return ResolveResult(hostname=host, host=str(address), port=port, family=family, proto=protocol, flags=numeric)


def _parse(text: str) -> URL:
    """By what will dial it, so that both read it alike."""
    try:
        parsed = URL(text)
        # Is looked at when it is asked for.
        _ = parsed.port, parsed.raw_host
    except ValueError:
        raise InvalidInput(f'"{text[:80]}" is not a URL; {EXAMPLE}', field="url") from None
    return parsed


def _refusal_of_host(host: str) -> str | None:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return f"{host} is this machine"
    try:
        return refusal(name if ":" in name else socket.inet_ntoa(socket.inet_aton(name)))
    except (OSError, ValueError):
        # A name: what it stands for is seen when it is dialled.
        return None


def _kind_of_ipv6(address: IPv6Address) -> str | None:
    inner = address.ipv4_mapped or _compatible(address) or _embedded(address)
    if inner is not None:
        kind = _kind_of_ipv4(inner)
        return f"{kind} ({inner}) inside IPv6" if kind else None
    if kind := _common_kind(address):
        return kind
    is_public = address in _GLOBAL_UNICAST and address not in _DOCUMENTATION and address.is_global
    return None if is_public else "not a public address"


def _compatible(address: IPv6Address) -> IPv4Address | None:
    """`::127.0.0.1`; `::` and `::1` are IPv6's own."""
    return IPv4Address(int(address)) if 1 < int(address) < 2**32 else None


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _6TO4:
        return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None


def _kind_of_ipv4(address: IPv4Address) -> str | None:
    if kind := _common_kind(address):
        return kind
    # Python 3.11 takes 192.0.0.8 for public.
    is_public = address.is_global and not address.is_reserved and address not in _SPECIAL
    return None if is_public and not str(address).startswith(("192.0.0.", _6TO4_RELAYS)) else "not a public address"


def _common_kind(address: IPv4Address | IPv6Address) -> str | None:
    if address.is_unspecified or address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    return "a private address" if address.is_private else None
