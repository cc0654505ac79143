"""Why an attempt got no answer, in words for those who look at the sendout. The libraries' own texts say it for programmers."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from dataclasses import dataclass

from aiohttp import (
    ClientConnectionResetError,
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientPayloadError,
    InvalidURL,
    ServerDisconnectedError,
)
from aiohttp.http import HttpProcessingError

from auditpanel.webhooks.addresses import AddressRefused

# OpenSSL's number for a certificate whose time is over.
CERTIFICATE_EXPIRED = 10

_CUT = "the connection was cut before the answer was complete"
_BY_NUMBER = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: _CUT,
    errno.EPIPE: _CUT,
    errno.ECONNABORTED: _CUT,
    errno.ENETUNREACH: "the network cannot be reached from here",
    errno.EHOSTUNREACH: "the host cannot be reached from here",
    errno.ETIMEDOUT: "nobody answers at this address",
    errno.EADDRNOTAVAIL: "the address cannot be dialled from here",
    errno.EMFILE: "too many connections are open here at once",
}
_UNRESOLVED_FOR_NOW = {socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_SYSTEM, socket.EAI_MEMORY}


@dataclass(frozen=True, slots=True)
class Fault:
    """Where it `is_final`, no retry can help."""

    words: str
    is_final: bool = False


def fault_of(error: Exception, *, timeout_s: float) -> Fault:
    """Of what sending over aiohttp raises."""
    match error:
        # A broken certificate is a connection that failed, too.
        case ClientConnectorCertificateError():
            return Fault(_certificate_words(error.certificate_error))
        case ClientConnectorError():
            return _connecting_fault(error.os_error)
        case AddressRefused():
            return _connecting_fault(error)
        case InvalidURL():
            return Fault("the address is not allowed: it is not written as a URL with a host", is_final=True)
        case TimeoutError():
            return Fault(f"no answer in {timeout_s:g} s")
        case ServerDisconnectedError() | ClientConnectionResetError() | ClientPayloadError() | asyncio.IncompleteReadError():
            return Fault(_CUT)
        case HttpProcessingError():
            return Fault("what came back is not HTTP")
        case OSError() | ClientError():
            return _connecting_fault(error)
        case _:
            return Fault(f"sending failed: {type(error).__name__}")


def is_expired(error: Exception) -> bool:
    """Then the certificate itself tells since when."""
    cause = error.certificate_error if isinstance(error, ClientConnectorCertificateError) else None
    return isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code == CERTIFICATE_EXPIRED


def _connecting_fault(error: Exception) -> Fault:
    match error:
        case AddressRefused():
            return Fault(f"the address is not allowed: {error}", is_final=True)
        case socket.gaierror():
            if error.errno in _UNRESOLVED_FOR_NOW:
                return Fault("the name does not resolve: no name server answers for it")
            return Fault("the name does not resolve")
        case ssl.SSLCertVerificationError():
            return Fault(_certificate_words(error))
        case ssl.SSLError():
            return Fault(f"TLS failed: {_spaced(error.reason)}")
        case OSError() if error.errno in _BY_NUMBER:
            return Fault(_BY_NUMBER[error.errno])
    return Fault(f"the connection failed: {_one_line(error)}")


def _certificate_words(error: Exception) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS certificate not accepted: {_one_line(error)}"
    if error.verify_code == CERTIFICATE_EXPIRED:
        return "TLS certificate expired"
    return f"TLS certificate not accepted: {error.verify_message.rstrip('.')}"


def _spaced(reason: str | None) -> str:
    """OpenSSL writes WRONG_VERSION_NUMBER."""
    return (reason or "no reason given").replace("_", " ").lower()


def _one_line(error: Exception) -> str:
    words = " ".join(str(error).replace("\x00", "").split())[:200] or type(error).__name__
    # What a library quotes of an answer may be anything; this is stored.
    return words.encode("utf-8", "replace").decode()
