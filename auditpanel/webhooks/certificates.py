"""Since when a certificate is out of date. A connection that was refused for it does not tell, so the certificate is fetched once more."""

from __future__ import annotations

import asyncio
import ssl
from datetime import datetime

from cryptography.x509 import InvalidVersion, load_der_x509_certificate
from yarl import URL

from auditpanel.webhooks.addresses import Guard, GuardedResolver

TIMEOUT_S = 3.0


async def read_expiry(url: URL, guard: Guard, resolver: GuardedResolver) -> datetime | None:
    """None where it cannot be had. Nothing is sent over this connection, which is not to be trusted."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await _fetch(url, guard, resolver)
    except (OSError, ValueError, TimeoutError, InvalidVersion):
        return None


async def _fetch(url: URL, guard: Guard, resolver: GuardedResolver) -> datetime | None:
    host, port = url.raw_host, url.port
    assert host is not None and port is not None
    found = await resolver.look_up(host, port)
    connection = guard.open_socket(found[0])
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, found[0][4])
        _, writer = await asyncio.open_connection(sock=connection, ssl=_trusting_nobody(), server_hostname=host)
    except BaseException:
        connection.close()
        raise
    try:
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return load_der_x509_certificate(certificate).not_valid_after_utc if certificate else None
    finally:
        writer.transport.abort()


def _trusting_nobody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
