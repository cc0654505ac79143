"""Ids for records that bring none: made from what they say, so that a file read twice gives the same logs."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from uuid import UUID

# How many distinct records are remembered, so that memory stays the same whatever the file: some 15 MB.
WINDOW = 65_536


class RecordIds:
    """Ids of a file's records, asked for in the file's order. One such object serves one reading of one file.

    The id is a hash of the record's bytes and of how often the same bytes came before, for a busy server writes the very same line
    several times within a second, and each is a call. So a file that has grown gives its old part the old ids, and a second import
    stores only what is new.

    How often is counted among the WINDOW distinct records seen last. The same bytes again after more than that many others get the
    id of the first, and count as already there. A line of an access log carries its second, so that takes a file that was appended
    to itself: just what should not be stored twice. By the same rule a line that stands in the files of two servers is one log.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def id_of(self, record: bytes) -> UUID:
        digest = sha256(record).digest()[:16]
        before = self._seen.pop(digest, 0)
        self._seen[digest] = before + 1
        if len(self._seen) > self._window:
            self._seen.popitem(last=False)
        # The version is that of ids made from names by hash (RFC 9562), though theirs is SHA-1.
        return UUID(bytes=sha256(digest + b"%d" % before).digest()[:16] if before else digest, version=5)
