"""The public API's filters mean what the lists' filters mean; what those cannot say is refused, and with words."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.api.export_bodies import read_export
from auditpanel.api.export_filters import TERMS, read_filters
from auditpanel.errors import InvalidInput
from auditpanel.exports.store import written_filters
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported
from tests.api.calling import Caller, discount_campaign, discount_voucher
from tests.api.exporting import lines_of
from tests.logs.making import NOW, make_log, store

Json = dict[str, object]


def conditions(**of: object) -> Json:
    return {"conditions": {f"${name.rstrip('_')}": value for name, value in of.items()}}


def params(exported: Exported, **filters: object) -> list[tuple[str, str]]:
    return list(read_filters(exported, filters).params)


def refused(exported: Exported, **filters: object) -> str:
    with pytest.raises(InvalidInput) as error:
        read_filters(exported, filters)
    return str(error.value)


@pytest.mark.parametrize("exported", list(Exported))
def test_each_name_is_a_field_of_the_file_or_says_what_it_looks_in_and_leads_to_a_filter_of_the_list(exported: Exported) -> None:
    subject, of_lists = SUBJECTS[exported], {"created_after", "created_before"}
    for name, terms in TERMS[exported].items():
        assert name in subject.columns or name == "who" or all(part in subject.columns for part in name.split("_or_")), name
        assert set(terms.values()) <= of_lists | set(subject.fields), name


def test_without_filters_all_of_time_is_meant() -> None:
    for exported in Exported:
        assert read_filters(exported, {}).range.words == "all time"


def test_filters_are_joined_by_the_junction() -> None:
    both = {"status": conditions(is_=["failure"]), "origin": conditions(in_=["API", "SHOPIFY"])}
    expected = [("origin", "API"), ("origin", "SHOPIFY"), ("result", "failure")]
    assert params(Exported.LOG, **both) == params(Exported.LOG, junction="AND", **both) == [("range", "all"), *expected]
    assert params(Exported.LOG, junction="or", **both) == [("match", "any"), *expected]
    assert refused(Exported.LOG, junction="xor", **both) == 'parameters.filters.junction: "xor" is not known; write "and" or "or"'


def test_values_are_texts_numbers_or_switches_alone_or_in_a_list() -> None:
    assert params(Exported.LOG, status_code=conditions(is_=[404, "5xx"])) == [("range", "all"), ("status", "404"), ("status", "5xx")]
    assert params(Exported.LOG, request_duration=conditions(more_than=250.5)) == [("range", "all"), ("min_duration_ms", "250.5")]
    assert params(Exported.VOUCHER, active=conditions(is_=[True])) == [("range", "all"), ("active", "true")]
    for values in ([], [""], [" API"], [None], [["API"]], {"API": 1}):
        assert refused(Exported.LOG, origin=conditions(is_=values)).startswith("parameters.filters.origin.conditions.$is: ")


def test_moments_are_those_of_the_lists_range() -> None:
    filters = {"created_at": conditions(after=["2026-11-24T12:00:00Z"], before=["2026-11-25"]), "status": conditions(is_=["failure"])}
    expected = [("created_after", "2026-11-24T12:00:00Z"), ("created_before", "2026-11-25"), ("result", "failure")]
    assert params(Exported.LOG, **filters) == expected
    assert "write it once" in refused(Exported.LOG, created_at=conditions(after=["2026-11-24", "2026-11-25"]))
    sent = params(Exported.SENDOUT, junction="or", sent_at=conditions(after="2026-11-24", before="2026-11-25"))
    assert sent == [("match", "any"), ("sent_after", "2026-11-24"), ("sent_before", "2026-11-25")]


def test_what_no_list_can_be_narrowed_by_is_refused_with_what_can() -> None:
    assert refused(Exported.LOG, status=conditions(is_not=["failure"])) == (
        'parameters.filters.status.conditions: "$is_not" is not kept here for status; there are $is, $in'
    )
    assert refused(Exported.LOG, request_duration=conditions(less_than=[5])).endswith("there are $more_than, $more_than_equal")
    unknown = refused(Exported.CUSTOMER, **{"metadata.vip": conditions(is_=[True])})
    assert unknown.startswith(
        "parameters.filters.metadata.vip: customer cannot be narrowed by it; there are id ($is, $in), created_at ($after,"
    )
    shapes: list[object] = [
        "failure",
        {},
        {"conditions": {}},
        {"conditions": []},
        {"$is": ["failure"]},
        {"conditions": {"$is": 1}, "more": 1},
    ]
    for shape in shapes:
        assert refused(Exported.LOG, status=shape) == 'parameters.filters.status: expected an object like {"conditions": {"$is": ["…"]}}'
    wrong = refused(Exported.LOG, status=conditions(is_=["404"]))
    assert wrong == 'parameters.filters.status.conditions.$is: "404" is not one of success, failure'
    moment = refused(Exported.SENDOUT, sent_at=conditions(after=["yesterday"]))
    assert moment.startswith('parameters.filters.sent_at.conditions.$after: "yesterday" is not a date')
    many = refused(Exported.LOG, customer=conditions(in_=[str(number) for number in range(21)]))
    assert many == "parameters.filters.customer.conditions.$in: 21 values are too many; 20 at most"


def test_what_filters_of_a_list_cannot_join_is_refused() -> None:
    twice = refused(Exported.LOG, origin={"conditions": {"$is": ["API"], "$in": ["SHOPIFY"]}})
    assert twice.startswith(
        "parameters.filters.origin.conditions.$in: parameters.filters.origin.conditions.$is narrows by the same already"
    )
    both = {"created_at": conditions(after=["2026-11-24"]), "status": conditions(is_=["failure"])}
    assert refused(Exported.LOG, junction="or", **both).startswith("parameters.filters.created_at.conditions.$after: cannot be one of")
    assert read_filters(Exported.LOG, {"junction": "or", "created_at": both["created_at"]}).range.after == "2026-11-24"


def test_vouchers_of_a_campaign_are_named_beside_the_filters() -> None:
    assert read_filters(Exported.VOUCHER, {}, "Summer").words == "Campaign is Summer, all time"
    for junction in ("and", "or"):
        with pytest.raises(InvalidInput, match="parameters.campaign_id"):
            read_filters(Exported.VOUCHER, {"junction": junction, "campaign": conditions(is_=["Winter"])}, "Summer")
    with pytest.raises(InvalidInput, match="cannot be one of alternatives"):
        read_filters(Exported.VOUCHER, {"junction": "or", "category": conditions(is_=["vip"])}, "Summer")


def test_the_file_of_logs_holds_what_the_filters_mean(app: Flask, caller: Caller, session: Session) -> None:
    logs = [
        make_log(path="/a", status_code=500, duration_ms=900, request_body='{"code":"SUMMER"}'),
        make_log(path="/b", status_code=200, duration_ms=5, origin="SHOPIFY"),
        make_log(path="/c", status_code=404, occurred_at=NOW - timedelta(days=40), user="nina@example.com"),
    ]
    store(session, caller.scope, *logs)

    def paths(**filters: object) -> list[str]:
        """But for those of the calls of this test."""
        narrowed = filters if "created_at" in filters or filters.get("junction") else {**filters, "created_at": conditions(before=[before])}
        return sorted(lines_of(app, caller, "api_log", fields=["path"], filters=narrowed))

    before = "2026-11-24T15:42:09Z"
    assert paths() == ["/a", "/b", "/c"]
    assert paths(status=conditions(is_=["failure"])) == ["/a", "/c"]
    assert paths(status_code=conditions(is_=["4xx"])) == paths(user_email=conditions(is_=["nina@example.com"])) == ["/c"]
    assert paths(request_duration=conditions(more_than=[100])) == paths(request_body=conditions(contains=["SUMMER"])) == ["/a"]
    assert paths(created_at=conditions(after=["2026-11-24T15:00:00Z"], before=[before])) == ["/a", "/b"]
    either = {"origin": conditions(is_=["CUSTOMER_COCKPIT"]), "path": conditions(contains=["/b"])}
    assert paths(**either) == [] and paths(junction="or", **either) == ["/b"]


def test_the_file_of_vouchers_holds_what_the_filters_mean(app: Flask, caller: Caller) -> None:
    campaign = caller.post("/campaigns", discount_campaign("Summer")).get_json()
    caller.post("/vouchers", discount_voucher("IN-1", campaign="Summer"))
    caller.post("/vouchers", discount_voucher("OUT-1", category="vip"))
    caller.post("/vouchers", discount_voucher("OUT-2", active=False))

    def codes(**filters: object) -> list[str]:
        return sorted(lines_of(app, caller, "voucher", fields=["code"], filters=filters))

    assert codes() == ["IN-1", "OUT-1", "OUT-2"]
    assert lines_of(app, caller, "voucher", fields=["code"], campaign_id=campaign["id"]) == ["IN-1"]
    assert codes(campaign_id=conditions(in_=[campaign["id"]])) == ["IN-1"]
    assert codes(code=conditions(starts_with=["OUT"])) == ["OUT-1", "OUT-2"]
    assert codes(active=conditions(is_=[False])) == ["OUT-2"]
    assert codes(junction="or", category=conditions(is_=["vip"]), campaign=conditions(is_=["Summer"])) == ["IN-1", "OUT-1"]
    assert codes(junction="and", category=conditions(is_=["vip"]), campaign=conditions(is_=["Summer"])) == []


WORDS = st.sampled_from(["failure", "2026-11-24", "and", "-id"])
KEYS = st.sampled_from(["conditions", "$is", "$in", "$after", "$x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["junction", "status", "created_at", "sent_at", "code", "active", "request_duration", "id", "nonsense"])


@given(
    st.sampled_from(Exported),
    st.dictionaries(NAMES, JSON, max_size=4),
    st.dictionaries(st.sampled_from(["fields", "order", "format", "gzip", "bom", "time_zone", "campaign_id"]), JSON, max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_sent_is_read_or_refused_by_its_place(exported: Exported, filters: Json, others: Json) -> None:
    scope = ProjectScope(UUID(int=1), "Acme", ZoneInfo("Europe/Warsaw"), Role.OPERATOR, (), 1024)
    try:
        new = read_export({"exported_object": str(exported), "parameters": {"filters": filters, **others}}, scope, NOW)
    except InvalidInput as error:
        assert error.field and error.field.startswith(("parameters.", "exported_object")), error
    else:
        assert SUBJECTS[exported].read_filters(parse_qsl(written_filters(new.filters))) == new.filters
