"""Request bodies as they come in."""

from __future__ import annotations

import zlib

from flask import Request

from auditpanel.errors import InvalidInput, TooLarge

UNPACKED_LIMIT_BYTES = 128 * 1024 * 1024
GZIP_WINDOW = 31


def _read_whole(request: Request) -> bytes:
    """Werkzeug cuts a body that came in chunks at the limit, and takes what a broken connection left for the whole, without a word."""
    body = request.get_data(cache=False)
    declared = request.content_length
    if declared is None and request.max_content_length is not None and len(body) >= request.max_content_length:
        raise TooLarge("The request is larger than what is taken here.")
    if declared is not None and len(body) < declared:
        raise InvalidInput(f"{len(body):,} of the {declared:,} bytes came; it was cut on its way", field="body")
    return body


def read_body(request: Request) -> bytes:
    """The body, unpacked where it came with gzip. Raises TooLarge for one that unpacks to more than the limit."""
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    body = _read_whole(request)
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise InvalidInput(f'"{encoding[:40]}" is not taken; send the body as it is, or with gzip', field="Content-Encoding")
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    try:
        unpacked = unpacker.decompress(body, UNPACKED_LIMIT_BYTES)
    except zlib.error:
        raise InvalidInput("the body is not gzip, as its Content-Encoding says; send it as it is, or packed", field="body") from None
    if unpacker.unconsumed_tail:
        raise TooLarge(f"The body unpacks to more than {UNPACKED_LIMIT_BYTES // 1024**2} MiB; send fewer logs in one call.")
    if not unpacker.eof:
        raise InvalidInput("the gzip body ends too early; it may have been cut on its way", field="body")
    return unpacked
