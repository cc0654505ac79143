from __future__ import annotations

import csv
import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditpanel.catalogue.csv_files import ROW_LIMIT, CsvFile, CsvRow, count_rows, open_csv
from auditpanel.catalogue.models import Resource
from auditpanel.catalogue.preview import check_file, preview
from auditpanel.errors import InvalidInput
from auditpanel.tasks.values import Refused


def opened(folder: Path, content: str | bytes, encoding: str = "utf-8") -> CsvFile:
    path = folder / "file.csv"
    path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    return open_csv(path)


def read(file: CsvFile) -> tuple[list[tuple[int, list[str]]], dict[int, str]]:
    rows = list(file.rows())
    return [(row.line, row.cells) for row in rows if isinstance(row, CsvRow)], {
        row.line: row.reason for row in rows if isinstance(row, Refused)
    }


# A cell of spaces alone could be a blank row, which is none.
TEXTS = {
    "utf-8": st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    "cp1252": st.sampled_from("abcXYZ019 ,;\t\"'\n\r€œŽéüß£—„-_"),
}
TEXTS |= dict.fromkeys(("utf-8-sig", "utf-16"), TEXTS["utf-8"])
HEADER = ["Code", "Value, all", "first\nsecond", "x;y"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_the_csv_module_writes_is_read_back_equal_with_its_lines(tmp_path: Path, data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from(sorted(TEXTS)))
    cell = st.text(TEXTS[encoding], max_size=12)
    rows = data.draw(st.lists(st.lists(cell, min_size=4, max_size=4).filter(any), min_size=1, max_size=8))
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    # The writer only quotes the line ends that it writes itself.
    is_quoted = end != "\r\n" or data.draw(st.booleans())
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=data.draw(st.sampled_from(",;\t")), lineterminator=end, quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL
    )
    begins = []
    for row in [HEADER, *rows]:
        begins.append(lines_in(text.getvalue()) + 1)
        writer.writerow(row)
    file = opened(tmp_path, text.getvalue(), encoding)
    found, refused = read(file)
    assert refused == {}
    assert file.header == tuple(HEADER)
    assert found == list(zip(begins[1:], rows, strict=True))


def lines_in(text: str) -> int:
    return len(io.StringIO(text, newline="").readlines())


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 with a byte order mark"),
        ("utf-16", "UTF-16 (little endian)"),
        ("cp1252", "Windows-1252"),
    ],
)
@pytest.mark.parametrize(("separator", "end"), [(",", "\n"), (";", "\r\n"), ("\t", "\r")])
def test_encoding_and_separator_are_found(tmp_path: Path, encoding: str, name: str, separator: str, end: str) -> None:
    lines = [separator.join(cells) for cells in (["Code", "Größe"], ["A", "œuvre"])]
    file = opened(tmp_path, end.join(lines), encoding)
    assert (file.encoding.name, file.separator, file.header) == (name, separator, ("Code", "Größe"))
    assert read(file)[0] == [(2, ["A", "œuvre"])]


def test_big_endian_utf_16_is_read_by_its_mark(tmp_path: Path) -> None:
    file = opened(tmp_path, b"\xfe\xff" + "Code;Name\nA;ż\n".encode("utf-16-be"))
    assert (file.encoding.name, read(file)[0]) == ("UTF-16 (big endian)", [(2, ["A", "ż"])])


def test_the_rows_decide_where_a_header_has_several_separators(tmp_path: Path) -> None:
    file = opened(tmp_path, "Name, first;Name, last;Code\nAnna;Nowak;A\nJan;Kowalski;B\n")
    assert file.header == ("Name, first", "Name, last", "Code")
    assert opened(tmp_path, '"a;b;c;d",Code\n1,2\n').header == ("a;b;c;d", "Code")
    assert opened(tmp_path, "sep=;\nCode;a,b,c\nA;1\n").header == ("Code", "a,b,c")


def test_rows_are_numbered_by_the_line_they_begin_in_and_blank_ones_are_none(tmp_path: Path) -> None:
    file = opened(tmp_path, '\n\nCode,Text,,\r\nA,"one\ntwo\r\nthree"\n\n,,\nB,x,,,\nC\n\n\n')
    assert file.header == ("Code", "Text")
    assert read(file)[0] == [(4, ["A", "one\ntwo\r\nthree"]), (9, ["B", "x"]), (10, ["C", ""])]
    assert count_rows(file) == 3


def test_a_row_that_is_too_long_or_has_a_nul_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    file = opened(tmp_path, "Code,Text\nA,b,c\nB,x\x00y\nC,z\n" + "D,e\n" * 100)
    found, refused = read(file)
    assert found[0] == (4, ["C", "z"])
    assert refused == {
        2: "has 3 cells, but the header 2 columns; a cell that has a comma in it stands in quotes",
        3: "a NUL character is in it, which no text has; take it out",
    }
    wrong = [row for row in file.rows() if isinstance(row, Refused)]
    assert [row.content for row in wrong] == [{"Code": "A", "Text": "b", "column 3": "c"}, {"Code": "B", "Text": "x�y"}]


def test_a_quote_that_is_not_closed_costs_its_own_row_alone(tmp_path: Path) -> None:
    found, refused = read(opened(tmp_path, 'Code,Text\nA,"open\nB,b\nC,c\n'))
    assert (found, refused) == (
        [(3, ["B", "b"]), (4, ["C", "c"])],
        {2: "a quote is opened and not closed; close it, or write a quote inside of a cell twice"},
    )
    long = "".join(f"{number},text\n" for number in range(120_000))
    found, refused = read(opened(tmp_path, f'Code,Text\nA,"open\n{long}'))
    assert (len(found), found[0], set(refused)) == (120_000, (3, ["0", "text"]), {2})


def test_a_quote_inside_of_a_quoted_cell_is_refused_with_its_row(tmp_path: Path) -> None:
    found, refused = read(opened(tmp_path, 'Code,Text\nA,"5" disk"\nB,5" disk\nC,"5"" disk"\n'))
    assert found == [(3, ["B", '5" disk']), (4, ["C", '5" disk'])]
    assert refused == {2: "a quoted cell has a quote in it; write it twice, and close the cell at its end"}


def test_a_line_without_end_is_refused_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    with path.open("wb") as stream:
        stream.write(b"Code,Text\n")
        for _ in range(64):
            stream.write(b"x" * (1 << 20))
        stream.write(b"\nB,b\n")
    tracemalloc.start()
    found, refused = read(open_csv(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found, refused) == ([(3, ["B", "b"])], {2: f"the line is longer than {ROW_LIMIT:,} characters"})
    assert peak < 32 << 20


def zipped(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "Code\nA\n")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty"),
        (b"\xef\xbb\xbf", "nothing but blank lines"),
        (b"\n\n;;\n", "nothing but blank lines"),
        (b"Code,Value\n", "has a header and no rows"),
        (b"Code,Value\n\n,\n", "has a header and no rows"),
        (
            b"Colour,Size\nred,40\n",
            'The header has no known column, only "Colour", "Size"; the first line has to name some of Code, Voucher Type',
        ),
        (b"Value,Category\n1,a\n", "The header has no column Code; without it no row can be imported"),
        (b"Code,Value,Code\nA,1,B\n", 'The header names "Code" twice, in columns 1 and 3'),
        (b"Code,voucher_type,Voucher Type\nA,1,B\n", '"voucher_type" and "Voucher Type"; keep one of them'),
        (b"Code,,Value\nA,1,B\n", "Column 2 has no name in the header"),
        (b'"Code,Value\nA,1\n', "is no header of a CSV file"),
        (gzip.compress(b"Code\nA\n" * 1000, mtime=0), "a compressed file; unpack it first"),
        (zipped("codes.csv"), "a compressed file; unpack it first"),
        (zipped("xl/workbook.xml"), "an Excel workbook; save it as CSV"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2_000), "is not text, it is full of NUL bytes"),
        ("Code\nA\n".encode("utf-16-le"), "UTF-16 with its byte order mark"),
        (b"Code\nA\x81\n", "neither valid UTF-8 nor Windows-1252"),
        (b"\xef\xbb\xbfCode\nA\xff\n", "begins like UTF-8 with a byte order mark, but not all of it is"),
        (b"x" * (ROW_LIMIT + 10), "first line is longer than 1,048,576 characters"),
    ],
)
def test_a_file_that_is_refused_whole_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as error:
        check_file(path, Resource.VOUCHER)
    assert reason in str(error.value)


def test_a_preview_shows_what_an_import_would_make_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    rows = [f"A{number};{number * 30};PERCENT;{number};Łódź".replace("Łódź", "Köln") for number in range(6)]
    path.write_bytes("\r\n".join(["CODE;value;Discount-Type;Stock;Town", *rows]).encode("cp1252"))
    shown = preview(path, Resource.VOUCHER, {"stock": {"type": "number"}})
    assert (shown.encoding, shown.separator) == ("Windows-1252", "semicolon")
    assert shown.rows[1] == ("A1", "30", "PERCENT", "1", "Köln")
    assert len(shown.rows) == 5
    assert shown.recognised == (("CODE", "code"), ("value", "value, by the type of discount"), ("Discount-Type", "type of discount"))
    assert shown.metadata == ("Stock", "Town")
    assert "Voucher Type" in shown.missing and "Code" not in shown.missing
    assert shown.warnings == (
        "The file is not UTF-8, so it is read as Windows-1252: look whether accented letters are right.",
        'Not in the metadata schema, so kept as text: "Town".',
        '2 of the first 6 rows would be refused. Line 6: value: "120" is not a percentage; write a number from 0 to 100, like 10 or 12.5',
    )
