"""A message as aiohttp sends it: head and body in one piece, in one go.

Up to Python 3.11 aiohttp starts a task for each body, and it copies headers three times to merge what may come from anywhere.
That is a sixth of all that an attempt costs.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import ClientRequest, ClientResponse, hdrs
from aiohttp.connector import Connection
from aiohttp.http import StreamWriter

from auditpanel.webhooks.values import Headers

# What the system takes at once on a connection that has nothing else to send.
SURELY_LEFT_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Content:
    """What a request is made of, given to it as its data. `headers` are all that are sent, but for Host and Content-Length."""

    headers: Headers
    body: bytes


class Request(ClientRequest):
    """Its methods are the steps that aiohttp has for making one, and for sending it."""

    def update_auto_headers(self, skip_auto_headers: object) -> None:
        """There are none but ours."""

    def update_body_from_data(self, body: Content, _stacklevel: int = 3) -> None:
        self._content = body.body
        self.headers.extend(body.headers)
        self.headers[hdrs.CONTENT_LENGTH] = str(len(body.body))

    async def send(self, conn: Connection) -> ClientResponse:
        assert conn.protocol is not None
        writer = StreamWriter(conn.protocol, self.loop)
        await writer.write_headers(f"{self.method} {self.url.raw_path_qs} HTTP/1.1", self.headers)
        if len(self._content) > SURELY_LEFT_BYTES:
            # An answer may come while a part of it has not left yet, and the next message would go out behind that part.
            conn.protocol.force_close()
        # No need to wait until it has left: it is in memory, and the answer is waited for.
        await writer.write(self._content, drain=False)
        return self.response_class(
            self.method,
            self.original_url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=[],
            loop=self.loop,
            session=self._session,
            stream_writer=writer,
        )
