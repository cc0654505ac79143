"""In which encoding a file of text is: told by its byte order mark, else UTF-8 where all of it is valid UTF-8, else Windows-1252.

Nothing is guessed from the frequency of letters: a file in another encoding (ISO 8859-2, Shift JIS) that has no mark is read as
Windows-1252, and the preview says which encoding was taken, so that a person sees it before the import.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from auditpanel.errors import InvalidInput

CHUNK_BYTES = 1 << 20
SAMPLE_BYTES = 64 * 1024

# How packed files, workbooks and the like begin, and what to do with them.
_UNPACK = "a compressed file; unpack it first and send the CSV file in it"
_OTHERS = {
    b"\x1f\x8b": _UNPACK,
    b"BZh": _UNPACK,
    b"\xfd7zXZ": _UNPACK,
    b"\x28\xb5\x2f\xfd": _UNPACK,
    b"7z\xbc\xaf": _UNPACK,
    b"Rar!": _UNPACK,
    b"\xd0\xcf\x11\xe0": "a workbook of an old Excel; save it as CSV",
    b"%PDF": "a PDF document; send a CSV file",
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """`name` is what people call it, `codec` what Python does."""

    name: str
    codec: str


UTF_8 = Encoding("UTF-8", "utf-8")
UTF_8_MARKED = Encoding("UTF-8 with a byte order mark", "utf-8-sig")
UTF_16_LE = Encoding("UTF-16 (little endian)", "utf-16")
UTF_16_BE = Encoding("UTF-16 (big endian)", "utf-16")
WINDOWS_1252 = Encoding("Windows-1252", "cp1252")

_MARKS = {codecs.BOM_UTF8: UTF_8_MARKED, codecs.BOM_UTF16_LE: UTF_16_LE, codecs.BOM_UTF16_BE: UTF_16_BE}


def encoding_of(path: Path) -> Encoding:
    """Reads all of the file, in pieces. Raises InvalidInput for what is empty, packed or no text."""
    with path.open("rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
    _refuse_others(sample)
    marked = next((encoding for mark, encoding in _MARKS.items() if sample.startswith(mark)), None)
    for encoding in [marked] if marked else [UTF_8, WINDOWS_1252]:
        if _decodes(path, encoding):
            return encoding
    if marked:
        raise InvalidInput(f"The file begins like {marked.name}, but not all of it is; save it as UTF-8.")
    raise InvalidInput("The file is neither valid UTF-8 nor Windows-1252; save it as CSV in UTF-8.")


def _refuse_others(sample: bytes) -> None:
    if not sample:
        raise InvalidInput("The file is empty; its first line has to name the columns.")
    if sample.startswith(b"PK\x03\x04"):
        what = "an Excel workbook; save it as CSV" if b"xl/" in sample or b"[Content_Types].xml" in sample else _UNPACK
        raise InvalidInput(f"The file is {what}.")
    for beginning, what in _OTHERS.items():
        if sample.startswith(beginning):
            raise InvalidInput(f"The file is {what}.")
    is_utf_16 = sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    # A single NUL in some row spoils that row alone; a file of them is no text.
    if not is_utf_16 and sample.count(0) * 100 > len(sample):
        raise InvalidInput("The file is not text, it is full of NUL bytes; send a CSV file in UTF-8, or UTF-16 with its byte order mark.")


def _decodes(path: Path, encoding: Encoding) -> bool:
    decoder = codecs.getincrementaldecoder(encoding.codec)()
    try:
        with path.open("rb") as stream:
            while piece := stream.read(CHUNK_BYTES):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True
