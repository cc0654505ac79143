"""Secrets never reach the database, in whatever notation they come; everything around them stays byte for byte."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditpanel.errors import InvalidInput
from auditpanel.logs import redaction
from auditpanel.logs.credentials import KEY_PREFIXES
from auditpanel.logs.marks import REDACTED
from auditpanel.logs.redaction import Redactor, check_path
from auditpanel.logs.secret_names import spellings
from auditpanel.logs.secret_values import hide_parameters

PLAIN = Redactor.of([])
SECRET = 'Zx9§hunter"2\\'
SECRET_KEYS = ("password", "userPassword", "client_secret", "X-App-Token", "apiKey", "CVC", "card_number", "authorization", "private_key")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW4ifQ.c2lnbmF0dXJl"


def mark(length: int) -> str:
    return f"[redacted, {length} characters]"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ('{"password": "hunter2", "user":"jan"}', '{"password": "[redacted, 7 characters]", "user":"jan"}'),
        ('{ "pin":1234 }', '{ "pin":"[redacted, 4 characters]" }'),
        ('{"secret":[1,{"a":"]"}],"b":2}', '{"secret":"[redacted, 13 characters]","b":2}'),
        ('{"password":"a\\"b\\\\"}', '{"password":"[redacted, 6 characters]"}'),
        ('{"\\u0070assword":"x"}', '{"\\u0070assword":"[redacted, 1 characters]"}'),
        ('{"password":"a","password":"bc"}', '{"password":"[redacted, 1 characters]","password":"[redacted, 2 characters]"}'),
        (
            '{"data":"{\\"password\\": \\"a\\\\\\"b\\", \\"n\\":1}"}',
            '{"data":"{\\"password\\": \\"[redacted, 6 characters]\\", \\"n\\":1}"}',
        ),
        ('{"data":"{\\"token\\":{\\"a\\":\\"b\\"},\\"n\\":1}"}', '{"data":"{\\"token\\":\\"[redacted, 13 characters]\\",\\"n\\":1}"}'),
        ("{'password': 'a\"b', 'n': 1}", "{'password': '[redacted, 3 characters]', 'n': 1}"),
        ("password=a,b%20c&user=jan", "password=[redacted, 7 characters]&user=jan"),
        ("p%61ssword=abc&card[cvc]=123", "p%61ssword=[redacted, 3 characters]&card[cvc]=[redacted, 3 characters]"),
        ("<a><password>x&lt;</password><n>1</n></a>", "<a><password>[redacted, 5 characters]</password><n>1</n></a>"),
        ("<t:token a='1'><v>x</v></t:token>", "<t:token a='1'>[redacted, 8 characters]</t:token>"),
        ('<user password="x y" n="1"/>', '<user password="[redacted, 3 characters]" n="1"/>'),
        ("Authorization: Basic dXNlcjpwYXNz\nHost: a", "Authorization: [redacted, 18 characters]\nHost: a"),
        ("password:{x}y,z n", "password:[redacted, 6 characters] n"),
        ("to=/login?token=abc&n=1", "to=/login?token=[redacted, 3 characters]&n=1"),
        ("login failed, password=hunter2 user=jan", "login failed, password=[redacted, 7 characters] user=jan"),
    ],
)
def test_values_of_secret_keys_are_marked_and_the_layout_stays(sent: str, stored: str) -> None:
    assert PLAIN.body(sent) == stored


@pytest.mark.parametrize(
    "body",
    [
        '{"token_type":"bearer","tokens_used":12,"shipping":"x","spin":1,"key":"internal_error","preauthorization":1}',
        '{"password":null,"token":"","secret":true}',
        '{"url":"https://shop.example/?token=","next":"page"}',
        '{"type":"token","hint":"Enter your password"}',
        "Basic subscription, Bearer token required",
    ],
)
def test_what_hides_nothing_stays(body: str) -> None:
    assert PLAIN.body(body) == body


def test_a_part_of_a_multipart_form_is_marked_to_its_boundary() -> None:
    form = '--x\r\nContent-Disposition: form-data; name="{}"\r\nContent-Type: text/plain\r\n\r\na\r\n--b\r\n--x--\r\n'
    assert PLAIN.body(form.format("password")) == form.format("password").replace("a\r\n--b", mark(6))
    assert PLAIN.body(form.format("note")) == form.format("note")


@pytest.mark.parametrize(
    "credential",
    [
        JWT,
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY-----",
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "378282246310005",
        "6011000990139424",
    ],
)
def test_credentials_are_known_by_their_shape(credential: str) -> None:
    assert PLAIN.body(f'{{"note":"see {credential}","n":1}}') == f'{{"note":"see {mark(len(credential))}","n":1}}'
    assert PLAIN.text(f"\\n{credential}") == f"\\n{mark(len(credential))}"


def test_credentials_behind_their_scheme_and_in_urls_are_marked() -> None:
    assert PLAIN.text("sent Bearer abc.def-1 twice") == f"sent Bearer {mark(9)} twice"
    assert PLAIN.text("sent Basic dXNlcjpwYXNz") == f"sent Basic {mark(12)}"
    assert PLAIN.body('{"url":"https://jan:s3cret@shop.example/a"}') == f'{{"url":"https://jan:{mark(6)}@shop.example/a"}}'


def test_a_card_number_that_is_a_json_number_becomes_a_string() -> None:
    assert PLAIN.body('{"n":[4111111111111111, 2]}') == f'{{"n":["{mark(16)}", 2]}}'


@pytest.mark.parametrize("number", ["1700000000000", "1700000000000000", "4111111111111112", "0.4111111111111111", "94111111111111111"])
def test_timestamps_and_ids_are_no_card_numbers(number: str) -> None:
    assert PLAIN.body(f'{{"n":{number},"id":"{number}"}}') == f'{{"n":{number},"id":"{number}"}}'
    assert PLAIN.body('{"id":"0199c2f4-4111-4111-8111-411111111111"}') == '{"id":"0199c2f4-4111-4111-8111-411111111111"}'


def test_secret_headers_are_marked_whole_and_others_looked_into() -> None:
    sent = [
        ("AUTHORIZATION", "Bearer abc"),
        ("X-Csrf-Token", "abcd"),
        ("Accept", "*/*"),
        ("Referer", "https://a/?token=abc&n=1"),
        ("Cookie", ""),
    ]
    assert PLAIN.headers(sent) == [
        ("AUTHORIZATION", mark(10)),
        ("X-Csrf-Token", mark(4)),
        ("Accept", "*/*"),
        ("Referer", f"https://a/?token={mark(3)}&n=1"),
        ("Cookie", ""),
    ]


def test_queries_and_paths_are_looked_into() -> None:
    assert PLAIN.query("a=1&access%5Ftoken=x%26y&b=2&X-Amz-Signature=abc") == f"a=1&access%5Ftoken={mark(5)}&b=2&X-Amz-Signature={mark(3)}"
    assert PLAIN.path(f"/reset/{JWT}/x?token=abc") == f"/reset/{mark(len(JWT))}/x?token={mark(3)}"
    assert PLAIN.path("/pay/4111111111111111") == f"/pay/{mark(16)}"


def test_a_projects_own_paths_are_marked_also_in_text_that_was_cut() -> None:
    redactor = Redactor.of(["customer.phone", "$.order.items[*].serial", "*.email", "[1].x"])
    sent = '{"phone":"0","customer":{"phone" : "12", "email":{"a":1}}, "order":{"serial":1,"items":[{"serial":77},{"n":1,"serial":"9'
    assert redactor.body(sent) == (
        f'{{"phone":"0","customer":{{"phone" : "{mark(2)}", "email":"{mark(7)}"}}, '
        f'"order":{{"serial":1,"items":[{{"serial":"{mark(2)}"}},{{"n":1,"serial":"{mark(1)}'
    )
    assert redactor.body('[{"x":1},{"x":2}]') == f'[{{"x":1}},{{"x":"{mark(1)}"}}]'
    assert redactor.body('{"customer":{"phone":"1\\') == f'{{"customer":{{"phone":"{mark(2)}'
    assert redactor.body("customer.phone is 12") == "customer.phone is 12"
    assert redactor.body('{"customer":{"\\u0070hone":5}}\n{"customer":{"phone":6}}') == (
        f'{{"customer":{{"\\u0070hone":"{mark(1)}"}}}}\n{{"customer":{{"phone":"{mark(1)}"}}}}'
    )


@pytest.mark.parametrize("path", ["", "$", ".a", "a.", "a..b", "a[", "a[x]", "a b", "$a", "a[*]b", "x" * 201])
def test_a_bad_path_is_refused_with_what_would_be_right(path: str) -> None:
    with pytest.raises(InvalidInput, match=r"customer\.phone"):
        check_path(path)


def test_paths_are_read_as_steps() -> None:
    assert check_path(" $.order.items[*].serial ") == ("order", "items", "[*]", "serial")
    assert check_path("[0].*.x-y") == ("[0]", "*", "x-y")


# Short enough not to be a secret by chance, which hypothesis would find: it tries the words in our code.
TEXTS = st.text(st.characters(exclude_characters="Ż", codec="utf-8"), max_size=2)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def planted(draw: st.DrawFn, secret: object) -> object:
    """A JSON document with `secret` under a secret key at some depth."""
    document: object = {**draw(st.dictionaries(TEXTS, JSON_VALUES, max_size=3)), draw(st.sampled_from(SECRET_KEYS)): secret}
    for wrap in draw(st.lists(st.sampled_from(["list", "object", "string"]), max_size=4)):
        if wrap == "list":
            document = [draw(JSON_VALUES), document, draw(JSON_VALUES)]
        elif wrap == "object":
            document = {"a": draw(JSON_VALUES), "b": document, "c": draw(JSON_VALUES)}
        else:
            document = {"payload": json.dumps(document), "c": draw(JSON_VALUES)}
    return document


def with_marks(value: object) -> object:
    """The same document with all that stands under a secret key, also in JSON inside its strings, made `None`."""
    if isinstance(value, dict):
        return {
            key: None if key in SECRET_KEYS else with_marks(json.loads(each) if key == "payload" else each) for key, each in value.items()
        }
    return [with_marks(each) for each in value] if isinstance(value, list) else value


@given(planted(SECRET), st.booleans(), st.sampled_from([None, 2]))
def test_a_planted_secret_is_gone_and_all_else_is_unchanged(document: object, ensure_ascii: bool, indent: int | None) -> None:
    stored = PLAIN.body(json.dumps(document, ensure_ascii=ensure_ascii, indent=indent))
    assert "Zx9" not in stored and "hunter" not in stored
    assert with_marks(json.loads(stored)) == with_marks(document)
    assert PLAIN.body(stored) == stored


@given(planted({"a": [SECRET, 987654, {"b": SECRET}]}) | planted(987654))
def test_a_planted_number_or_object_is_gone(document: object) -> None:
    stored = PLAIN.body(json.dumps(document))
    assert "Zx9" not in stored and "987654" not in stored
    assert with_marks(json.loads(stored)) == with_marks(document)


@given(planted('ŻŻŻ"ŻŻ'), st.data())
def test_a_cut_at_any_place_leaks_no_beginning_of_the_secret(document: object, data: st.DataObject) -> None:
    text = json.dumps(document, ensure_ascii=False)
    stored = PLAIN.body(text[: data.draw(st.integers(0, len(text)))])
    assert "Ż" not in stored and "017b" not in stored


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"password":{"x":["ŻŻ",{"y":"ŻŻ"}]},"b":2}',
        '{"a":"{\\"pin\\" : {\\"x\\":\\"ŻŻ\\"}}"}',
        '[{"password":\n "Ż\\\\\\"Ż"}]',
        "{'secret': {'x': 'ŻŻ'}}",
        "a=1&password=Ż,Ż;Ż'Ż&b=2",
        "data=%7B%22password%22%3A%22ŻŻ%22%7D",
        "<a><password n='1'><![CDATA[ŻŻ]]></password></a>",
        '<?xml version="1.0"?>\n<a><password><v>Ż</v><v>Ż</v></password></a>',
        '{"xml":"<a><password><v><![CDATA[Ż]]></v></password></a>"}',
        '{"xml":"<a><password n=\\"1\\">ŻŻ<\\/password></a>"}',
        '--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nŻ\r\nŻ\r\n--x--',
        "Cookie: sid=Ż; b=Ż\nHost: a",
    ],
)
def test_no_notation_leaks_a_secret_wherever_it_is_cut(text: str) -> None:
    assert PLAIN.body(text) != text
    for end in range(len(text) + 1):
        assert "Ż" not in PLAIN.body(text[:end])


PIECES = [
    "password", "token", "pin", "cookie", "Authorization", "sig", "a", "1", "n", "é", "null", " ", "\n", "\r\n", "\x00", "\ud800",
    "'", '"', "\\", '\\"', "\\u0070", "%22", "%3A", "&quot;", ":", "=", "&", ",", ";", "<", ">", "</", "/",
    "{", "}", "[", "]", "://", "@", "-", "--",
    "bearer ", "Basic ", "dXNlcjpwYXNz", JWT, "whsec_a", "4111111111111111", "4111 1111 ", "1111 1111", "-----BEGIN PRIVATE KEY-----",
    "[redacted, 3 characters]", 'content-disposition: form-data; name="pin"',
]  # fmt: skip
FRAGMENTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@settings(max_examples=400)
@given(FRAGMENTS | st.text())
def test_no_text_raises_and_what_is_redacted_stays(text: str) -> None:
    redactor = Redactor.of(["a", "*.a", "[*]"])
    for redact in (redactor.body, PLAIN.body, PLAIN.query, PLAIN.path, PLAIN.text):
        once = redact(text)
        assert redact(once) == once


@given(st.dictionaries(TEXTS.filter(bool), TEXTS), st.text(min_size=1))
def test_a_secret_in_a_query_is_gone_and_all_else_is_unchanged(fields: dict[str, str], secret: str) -> None:
    stored = PLAIN.query(urlencode({**fields, "token": secret}))
    values = parse_qs(stored, keep_blank_values=True)
    assert REDACTED.fullmatch(values["token"][0])
    assert {key: each for key, each in values.items() if key != "token"} == {key: [each] for key, each in fields.items()}


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        '{"a":',
        "\\",
        '"',
        '"token":',
        '"token":{',
        "<a1token>",
        "<token>1</token>",
        "4111 ",
        "4" * 16 + " ",
        "://a:",
        "token='",
        'token"\n',
    ],
)
def test_hostile_text_takes_time_in_proportion_to_its_length(unit: str) -> None:
    redactor = Redactor.of(["[*].a.*", "*.x"])

    def seconds(size: int) -> float:
        text = '{"x":' + (unit * size)[:size]
        start = time.process_time()
        redactor.body(text)
        return time.process_time() - start

    # Quadratic time would be 64 times as much.
    assert seconds(400_000) < 20 * max(seconds(50_000), 0.01)


def test_ten_megabytes_of_brackets_take_less_than_two_seconds() -> None:
    start = time.process_time()
    assert Redactor.of(["a.b", "[*].c"]).body("[" * 10_000_000) == "[" * 10_000_000
    assert time.process_time() - start < 2


HINTED = (
    *(*spellings(), *KEY_PREFIXES, "bearer", "Basic", "eyJ", "-----BEGIN PRIVATE KEY-----", "//", ":", "@", "x", "Zm9vOmJhcg==", "4111"),
    *(
        "4111111111111111",
        "\u0664\u0661\u0661\u0661",
        "%20",
        "%41",
        "\\u0041",
        " ",
        "\u00a0",
        "\u2003",
        "\x1c",
        "\x85",
        "\n",
        "\\",
        '"',
        "'",
    ),
    *("=", "&", "<", ">", "[", "]", "/", "-", "+", "\ud800", "\u0130", "\u212a", "\x00", "\u65e5", "{", "}", ","),
)


@given(st.lists(st.sampled_from(HINTED), max_size=12).map("".join), st.booleans())
@example(text="access-key+:access-key", is_upper=False)
@settings(max_examples=2_000, deadline=None)
def test_what_is_not_looked_at_closely_has_nothing_to_hide(text: str, is_upper: bool) -> None:
    text = text.upper() if is_upper else text
    assert PLAIN.text(text) == redaction._hide(text, in_json=False)
    assert PLAIN.query(text) == redaction._hide(hide_parameters(text), in_json=False)
