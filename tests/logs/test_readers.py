"""Logs from files: combined access logs, HAR, NDJSON."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from auditpanel.errors import InvalidInput
from auditpanel.logs.readers import Format, RefusedLine, reader_for
from auditpanel.logs.readers.identity import RecordIds
from auditpanel.logs.readers.unpacking import LINE_LIMIT_BYTES
from auditpanel.logs.values import NewLog

GOOD = (
    b'83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /presentations/kibana-search.png HTTP/1.1" 200 203023'
    b' "http://semicomplete.com/presentations/" "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) Chrome/32.0.1700.77"'
)
NDJSON_GOOD = b'{"occurred_at": "2026-11-24T14:05:00Z", "path": "/v1/vouchers", "status_code": 200}'


def read(format: Format, *lines: bytes) -> list[NewLog | RefusedLine]:
    return list(reader_for(format)(io.BytesIO(b"\n".join(lines) + b"\n")))


def read_combined(line: bytes) -> NewLog:
    [log] = read(Format.COMBINED, line)
    assert isinstance(log, NewLog)
    return log


def refusal_beside_a_good_line(line: bytes, *, format: Format = Format.COMBINED, good: bytes = GOOD) -> str:
    log, refused = read(format, good, line)
    assert isinstance(log, NewLog)
    assert isinstance(refused, RefusedLine)
    assert refused.line == 2
    return refused.reason


def combined_line(
    *,
    client: bytes = b"192.0.2.7",
    user: bytes = b"-",
    moment: bytes = b"17/May/2015:10:05:03 +0000",
    request: bytes = b"GET / HTTP/1.1",
    status: bytes = b"200",
    size: bytes = b"512",
    end: bytes = b' "-" "curl/8"',
) -> bytes:
    return b'%s - %s [%s] "%s" %s %s%s' % (client, user, moment, request, status, size, end)


# The combined format


def test_a_combined_line_gives_all_that_it_says() -> None:
    log = read_combined(GOOD)
    assert log.occurred_at == datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC)
    assert (log.method, log.path, log.query, log.status_code) == ("GET", "/presentations/kibana-search.png", None, 200)
    assert (log.client_ip, log.user, log.response_size_bytes, log.duration_ms) == ("83.149.9.216", None, 203023, None)
    assert log.user_agent == "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) Chrome/32.0.1700.77"
    assert log.request_headers == [("referer", "http://semicomplete.com/presentations/"), ("user-agent", log.user_agent)]


def test_the_common_format_has_no_referer_and_no_user_agent() -> None:
    log = read_combined(combined_line(end=b""))
    assert (log.user_agent, log.request_headers, log.response_size_bytes) == (None, None, 512)


def test_the_query_is_split_off_the_path() -> None:
    log = read_combined(combined_line(request=b"GET /blog/tags/puppet?flav=rss20&x=a?b HTTP/1.1"))
    assert (log.path, log.query) == ("/blog/tags/puppet", "flav=rss20&x=a?b")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (b"01/jan/2024:00:30:00 +0200", datetime(2023, 12, 31, 22, 30, tzinfo=UTC)),
        (b"29/Feb/2024:23:59:59 -0330", datetime(2024, 3, 1, 3, 29, 59, tzinfo=UTC)),
        (b"17/May/2015:10:05:03.250 +0000", datetime(2015, 5, 17, 10, 5, 3, 250_000, tzinfo=UTC)),
    ],
)
def test_the_offset_of_a_date_is_respected(moment: bytes, expected: datetime) -> None:
    assert read_combined(combined_line(moment=moment)).occurred_at == expected


@pytest.mark.parametrize("end", [b' "-" "curl/8" 0.057', b' "-" "curl/8" "0.057"', b' "-" "curl/8" "-" 0.057 0.056 .', b" 0.057"])
def test_a_request_time_at_the_end_is_the_duration(end: bytes) -> None:
    assert read_combined(combined_line(end=end)).duration_ms == 57


@pytest.mark.parametrize("end", [b' "-" "curl/8" "-"', b' "-" "curl/8" "203.0.113.9, 10.0.0.123"', b' "-" "curl/8" 1234'])
def test_other_fields_at_the_end_are_no_duration(end: bytes) -> None:
    log = read_combined(combined_line(end=end))
    assert (log.user_agent, log.duration_ms) == ("curl/8", None)


def test_an_ipv6_client_and_a_user_with_a_space_are_read() -> None:
    log = read_combined(combined_line(client=b"2001:db8::1", user=b"Anna Nowak"))
    assert (log.client_ip, log.user) == ("2001:db8::1", "Anna Nowak")


def test_escapes_in_quotes_are_undone() -> None:
    log = read_combined(combined_line(end=rb' "http://x/\xC5\x82\xc3\xb3d\xc5\xba" "a \"b\" \\x41 \t c"'))
    assert log.request_headers == [("referer", "http://x/łódź"), ("user-agent", 'a "b" \\x41 \t c')]


def test_quotes_that_the_server_did_not_escape_are_kept() -> None:
    log = read_combined(combined_line(request=b'GET /a"b HTTP/1.1', end=b' "http://x/" "Mozilla "quoted" agent"'))
    assert (log.path, log.user_agent) == ('/a"b', 'Mozilla "quoted" agent')


@pytest.mark.parametrize(
    ("request_line", "method", "path", "query"),
    [
        (b"-", "-", "-", None),
        (b"", "-", "-", None),
        (b"GET /x", "GET", "/x", None),
        (b"GET /a b?c=d HTTP/1.1", "GET", "/a b", "c=d"),
        (b"OPTIONS * HTTP/1.0", "OPTIONS", "*", None),
        (b"M-SEARCH * HTTP/1.1", "M-SEARCH", "*", None),
        (b"GET ?a HTTP/1.1", "GET", "?a", None),
        (b"get /x HTTP/1.1", "-", "get /x HTTP/1.1", None),
        (rb"\x16\x03\x01\x02\x00\x01", "-", r"\x16\x03\x01\x02\x00\x01", None),
        (b"\x16\x03\xff", "-", "\x16\x03\\xff", None),
    ],
)
def test_no_odd_request_line_costs_a_line_with_a_date_and_a_status(request_line: bytes, method: str, path: str, query: str | None) -> None:
    log = read_combined(combined_line(request=request_line, status=b"400"))
    assert (log.method, log.path, log.query) == (method, path, query)


def test_a_dash_for_the_size_means_that_no_bytes_were_sent() -> None:
    assert read_combined(combined_line(size=b"-", status=b"304")).response_size_bytes == 0


def test_invalid_utf_8_in_a_line_stays_readable() -> None:
    assert read_combined(combined_line(request=b"GET /\xff\xc5\x82 HTTP/1.1")).path == "/\\xffł"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"nonsense", "not in the combined format"),
        (combined_line(status=b"000"), "status_code: 0 is not an HTTP status"),
        (combined_line(status=b"abc"), '"abc" is not an HTTP status'),
        (combined_line(size=b"12k"), '"12k" is not a size'),
        (combined_line(moment=b"31/Feb/2015:10:05:03 +0000"), '"31/Feb/2015:10:05:03 +0000" is not a date'),
        (combined_line(moment=b"17/Mai/2015:10:05:03 +0000"), "is not a date"),
        (combined_line(moment=b"17/May/2015:10:05:03 +9900"), "is not a date"),
        (combined_line(moment=b"01/Jan/0001:00:00:00 +0100"), "is not a date"),
        (combined_line(request=b"GET /" + b"a" * 4096 + b" HTTP/1.1"), "path: has 4,097 characters; at most 4,096 are taken"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_stops_no_other(line: bytes, reason: str) -> None:
    assert reason in refusal_beside_a_good_line(line)


def test_too_long_a_user_agent_or_referer_is_cut_and_not_refused() -> None:
    log = read_combined(combined_line(end=b' "%s" "%s"' % (b"r" * 9_000, b"u" * 2_000)))
    assert log.user_agent == "u" * 1_023 + "…"
    assert log.request_headers == [("referer", "r" * 8_191 + "…"), ("user-agent", log.user_agent)]


@pytest.mark.parametrize("piece", [b'" "', b"[17/May/2015:10:05:03 +0000] ", b'\\"', b' "', b"a "])
def test_a_hostile_line_takes_no_longer_than_its_length(piece: bytes) -> None:
    line = combined_line()[:-1] + piece * (1_000_000 // len(piece))
    # Anything worse than linear takes minutes here, and the test run's own limit ends it.
    assert len(read(Format.COMBINED, GOOD, line, b"1.2.3.4 - " + piece * (1_000_000 // len(piece)))) == 3


# Every format


def test_a_line_over_16_mib_is_refused_and_never_held_whole() -> None:
    class Long(io.RawIOBase):
        """A line of 64 MiB between two good ones, made as it is read."""

        def __init__(self) -> None:
            self.pieces: Iterator[bytes] = iter([GOOD + b"\n", *[b"x" * 65_536] * 1_024, b"\n", combined_line()])

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            piece = next(self.pieces, b"")
            buffer[: len(piece)] = piece
            return len(piece)

    tracemalloc.start()
    try:
        first, refused, last = reader_for(Format.COMBINED)(io.BufferedReader(Long(), 65_536))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(first, NewLog)
    assert isinstance(last, NewLog)
    assert refused == RefusedLine(2, "is longer than 16 MiB")
    assert peak < 2.5 * LINE_LIMIT_BYTES


def test_a_gzipped_file_is_read_like_a_plain_one() -> None:
    plain = b"\n".join([GOOD, combined_line()])
    assert list(reader_for(Format.COMBINED)(io.BytesIO(gzip.compress(plain)))) == read(Format.COMBINED, plain)


def test_of_a_gzipped_file_that_is_cut_off_the_beginning_is_read_and_the_loss_is_said() -> None:
    lines = b"".join(combined_line(size=b"%d" % number) + b"\n" for number in range(20_000))
    *logs, refused = reader_for(Format.COMBINED)(io.BytesIO(gzip.compress(lines)[:-5_000]))
    assert len(logs) > 1_000
    assert isinstance(refused, RefusedLine)
    assert refused.line == len(logs) + 1
    assert "damaged or cut off" in refused.reason


def test_the_stream_stays_open_for_its_opener_to_close() -> None:
    stream = io.BytesIO(gzip.compress(GOOD))
    list(reader_for(Format.COMBINED)(stream))
    assert not stream.closed


def test_a_byte_order_mark_windows_line_ends_and_blank_lines_are_passed_over() -> None:
    first, second = read(Format.COMBINED, b"\xef\xbb\xbf" + GOOD + b"\r", b"", b"  \r", GOOD)
    assert isinstance(first, NewLog)
    assert isinstance(second, NewLog)
    assert first.client_ip == "83.149.9.216"
    assert second.user_agent == first.user_agent


def test_an_empty_file_of_lines_has_no_logs() -> None:
    assert read(Format.COMBINED, b"") == read(Format.NDJSON, b"") == []


@pytest.mark.parametrize(
    ("format", "content", "message"),
    [
        (Format.COMBINED, b'{"log": {"entries": []}}', "this is not an access log in the combined format"),
        (Format.COMBINED, b"\x00\xff" * 500, "this is not an access log in the combined format"),
        (Format.NDJSON, GOOD, "this is not NDJSON with a log on each line, nothing in it could be read: line 1: "),
        (Format.NDJSON, b"[1, 2]", "expected an object, got a list"),
        (Format.HAR, GOOD, "this is not a HAR file"),
        (Format.HAR, b'{"entries": [{}]}', "there are no entries at log.entries"),
        (Format.HAR, b'[{"log": {"entries": [1]}}]', "there are no entries at log.entries"),
        (Format.HAR, b'{"log": {"entries": {"a": 1}}}', "there are no entries at log.entries"),
    ],
)
def test_a_file_of_another_format_is_refused_as_a_whole(format: Format, content: bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(format, content)
    assert message in caught.value.details


def test_a_file_of_another_format_is_refused_after_its_first_hundred_lines() -> None:
    stream = io.BytesIO(b"nonsense\n" * 1_000_000)
    with pytest.raises(InvalidInput):
        next(reader_for(Format.COMBINED)(stream))
    assert stream.tell() < 1_000_000


# Ids


def ids_of(*lines: bytes) -> list[object]:
    return [log.id for log in read(Format.COMBINED, *lines) if isinstance(log, NewLog)]


def test_a_file_read_twice_gives_the_same_ids_and_equal_lines_different_ones() -> None:
    ids = ids_of(GOOD, GOOD, combined_line(), GOOD)
    assert len(set(ids)) == 4
    assert ids_of(GOOD, GOOD, combined_line(), GOOD) == ids


def test_a_file_that_has_grown_gives_its_old_part_the_same_ids() -> None:
    assert ids_of(GOOD, GOOD, combined_line(), GOOD)[:2] == ids_of(GOOD, GOOD)


def test_equal_records_are_counted_among_the_distinct_ones_seen_last() -> None:
    ids = RecordIds(window=2)
    first, second = ids.id_of(b"a"), ids.id_of(b"a")
    assert first != second
    ids.id_of(b"b")
    third = ids.id_of(b"a")
    assert third not in (first, second)
    ids.id_of(b"b")
    ids.id_of(b"c")
    assert ids.id_of(b"a") == first


# NDJSON


def test_a_line_of_ndjson_is_a_log_as_the_api_takes_it() -> None:
    with_id = NDJSON_GOOD[:-1] + b', "id": "0199c2f4-7b1e-7d21-a1f6-e8407cd4c44b", "method": "post"}'
    own, made = read(Format.NDJSON, with_id, NDJSON_GOOD)
    assert isinstance(own, NewLog)
    assert isinstance(made, NewLog)
    assert (str(own.id), own.method) == ("0199c2f4-7b1e-7d21-a1f6-e8407cd4c44b", "POST")
    assert made.id is not None
    assert read(Format.NDJSON, NDJSON_GOOD) == [made]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (NDJSON_GOOD.replace(b"200", b'"200"'), "status_code: expected a whole number, got a text"),
        (NDJSON_GOOD.replace(b"status_code", b"statuscode"), 'unknown field "statuscode"; did you mean "status_code"?'),
        (b"nonsense", "not JSON: invalid character (byte 4)"),
    ],
)
def test_a_bad_line_of_ndjson_is_refused_in_plain_words(line: bytes, reason: str) -> None:
    assert refusal_beside_a_good_line(line, format=Format.NDJSON, good=NDJSON_GOOD) == reason


# HAR


def har_entry(*, status: int = 200, url: str = "https://api.example.com/v1/vouchers?limit=10", **fields: object) -> dict[str, object]:
    entry: dict[str, object] = {
        "startedDateTime": "2026-11-24T15:05:00.123+01:00",
        "time": 57.25,
        "request": {"method": "POST", "url": url, "headers": [{"name": "User-Agent", "value": "curl/8"}], "bodySize": 12},
        "response": {"status": status, "headers": [{"name": "Vary", "value": "*"}], "content": {"size": 2, "text": "{}"}},
        "_initiator": {"type": "script"},
        "serverIPAddress": "192.0.2.1",
    }
    return entry | fields


def har_file(*entries: object) -> bytes:
    return json.dumps({"log": {"version": "1.2", "pages": [{"id": "p"}], "entries": entries, "comment": "c"}}).encode()


def read_har(content: bytes) -> list[NewLog | RefusedLine]:
    return list(reader_for(Format.HAR)(io.BytesIO(content)))


def har_log(entry: object) -> NewLog:
    [log] = read_har(har_file(entry))
    assert isinstance(log, NewLog)
    return log


def test_a_har_entry_gives_the_call_with_its_headers_and_bodies() -> None:
    log = har_log(har_entry())
    assert log.occurred_at == datetime(2026, 11, 24, 14, 5, 0, 123_000, tzinfo=UTC)
    assert (log.method, log.path, log.query, log.status_code, log.duration_ms) == ("POST", "/v1/vouchers", "limit=10", 200, 57.25)
    assert log.request_headers == [("host", "api.example.com"), ("User-Agent", "curl/8")]
    assert (log.user_agent, log.request_size_bytes) == ("curl/8", 12)
    assert (log.response_headers, log.response_body, log.response_size_bytes) == ([("Vary", "*")], "{}", 2)


@pytest.mark.parametrize("name", ["Host", ":authority"])
def test_a_host_that_the_headers_name_is_not_added_again(name: str) -> None:
    request = {"method": "GET", "url": "http://user:secret@a.example/", "headers": [{"name": name, "value": "b.example"}]}
    assert har_log(har_entry(request=request)).request_headers == [(name, "b.example")]


def test_a_user_and_password_in_a_url_are_left_out() -> None:
    assert "secret" not in repr(har_log(har_entry(url="http://user:secret@a.example/")))


@pytest.mark.parametrize(
    ("post_data", "body"),
    [
        ({"mimeType": "application/json", "text": '{"a": 1}'}, '{"a": 1}'),
        ({"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a", "value": "b c"}, {"name": "d"}]}, "a=b+c&d="),
        (None, None),
    ],
)
def test_the_request_body_is_the_text_or_the_form_that_was_posted(post_data: object, body: str | None) -> None:
    assert har_log(har_entry(request={"method": "POST", "url": "http://a/", "postData": post_data})).request_body == body


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ({"text": base64.b64encode("łódź".encode() + b"\xff").decode(), "encoding": "base64"}, "łódź\\xff"),
        ({"text": "not base64 at all!", "encoding": "base64"}, "not base64 at all!"),
        ({}, None),
    ],
)
def test_a_base64_response_body_is_decoded(content: dict[str, str], body: str | None) -> None:
    log = har_log(har_entry(response={"status": 200, "content": content | {"size": -1}}))
    assert (log.response_body, log.response_size_bytes) == (body, None)


def nested(depth: int) -> str:
    return json.dumps({"log": {"entries": [har_entry(x=0), har_entry()]}}).replace('"x": 0', '"x": ' + "[" * depth + "]" * depth)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (har_entry(status=0), "the call was aborted or blocked: it has no status"),
        (har_entry(url="data:image/png;base64,AAAA"), 'request.url: "data:image/png;base64,AAAA" is not a call over HTTP'),
        (har_entry(url="http://[::1/"), 'request.url: "http://[::1/" is not a URL'),
        (har_entry(startedDateTime="yesterday"), "startedDateTime: not a date with a time"),
        (har_entry(startedDateTime="2026-11-24T15:05:00"), "has no offset"),
        (har_entry(request={"url": "http://a/"}), 'request: required field "method" is missing'),
        (7, "expected an object, got a whole number"),
    ],
)
def test_a_bad_har_entry_is_refused_with_its_number_and_stops_no_other(bad: object, reason: str) -> None:
    first, refused, last = read_har(har_file(har_entry(), bad, har_entry()))
    assert isinstance(first, NewLog)
    assert isinstance(last, NewLog)
    assert isinstance(refused, RefusedLine)
    assert str(refused).startswith("entry 2: ")
    assert reason in refused.reason


def test_an_entry_nested_200_000_levels_deep_is_refused_alone() -> None:
    refused, log = read_har(nested(200_000).encode())
    assert refused == RefusedLine(1, "is nested more than 200 levels deep", "entry")
    assert isinstance(log, NewLog)


def test_of_a_har_file_that_breaks_off_the_beginning_is_read_and_the_loss_is_said() -> None:
    *logs, refused = read_har(har_file(har_entry(), har_entry(), har_entry())[:-100])
    assert len(logs) == 2
    assert isinstance(refused, RefusedLine)
    assert refused.line == 3
    assert "cut off" in refused.reason


def test_invalid_utf_8_in_a_har_file_stays_readable_wherever_the_pieces_end() -> None:
    content = har_file(har_entry(response={"status": 200, "content": {"text": "HERE"}}))
    text = "łódź".encode() * 50_000 + b"\xff"
    [log] = read_har(content.replace(b"HERE", text))
    assert isinstance(log, NewLog)
    assert log.response_body == "łódź" * 50_000 + "\\xff"


def test_a_har_entry_has_the_same_id_however_the_file_is_laid_out() -> None:
    entry = har_entry()
    indented = json.dumps({"log": {"entries": [dict(reversed(entry.items()))]}}, indent=2).encode()
    [log] = read_har(indented)
    assert log == har_log(entry)
    assert isinstance(log, NewLog)
    assert log.id is not None
