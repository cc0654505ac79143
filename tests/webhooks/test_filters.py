"""What a list of sendouts is narrowed by, before the database sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditpanel.errors import InvalidInput
from auditpanel.filters import FilterSet
from auditpanel.ids import Prefix, format_id, new_uuid
from auditpanel.webhooks.filters import SENDOUT_FIELDS, sent_moment, sent_notes, with_moments_in_utc

WARSAW = ZoneInfo("Europe/Warsaw")
VALUES = {
    "only": st.sampled_from(["sent", "retry", "error"]),
    "id": st.builds(lambda: format_id(Prefix.SENDOUT, new_uuid())),
    "status": st.sampled_from(["SENT", "RETRY", "ERROR"]),
    "type": st.sampled_from(["voucher.created", "order.paid"]),
    "request_id": st.sampled_from(["v-1", "a & b"]),
    "source_id": st.builds(lambda: format_id(Prefix.WEBHOOK, new_uuid())),
    "sent_after": st.sampled_from(["2026-11-24", "24 Nov 2026 14:00"]),
    "sent_before": st.sampled_from(["2026-11-25T10:00Z", "2026-11-26"]),
    "url_contains": st.sampled_from(["shop?x=1", "100%"]),
}


def parse(**params: str) -> FilterSet:
    return FilterSet.parse(params.items(), SENDOUT_FIELDS)


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_a_filter_parsed_from_its_own_address_is_the_same_filter(values: dict[str, str]) -> None:
    filters = parse(**values)
    assert FilterSet.parse(filters.params, SENDOUT_FIELDS) == filters


def test_a_sendout_date_is_typed_in_project_time() -> None:
    filters = parse(sent_after="2026-11-24", sent_before="24 Nov 2026 16:00")
    assert sent_moment(filters, "sent_after", WARSAW) == datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert sent_moment(filters, "sent_before", WARSAW) == datetime(2026, 11, 24, 15, tzinfo=UTC)
    assert sent_moment(parse(), "sent_after", WARSAW) is None


def test_a_day_as_the_end_of_the_sendout_date_is_a_whole_day() -> None:
    assert sent_moment(parse(sent_before="2026-11-24"), "sent_before", WARSAW) == datetime(2026, 11, 24, 23, tzinfo=UTC)


def test_a_stored_sendout_date_means_the_same_in_another_zone() -> None:
    filters = with_moments_in_utc(parse(sent_before="2026-11-24", status="ERROR"), WARSAW)
    assert filters.params == [("status", "ERROR"), ("sent_before", "2026-11-24T23:00:00.000000Z")]
    again = FilterSet.parse(filters.params, SENDOUT_FIELDS)
    assert sent_moment(again, "sent_before", ZoneInfo("Asia/Tokyo")) == datetime(2026, 11, 24, 23, tzinfo=UTC)


def test_a_repeated_hour_is_told() -> None:
    (note,) = sent_notes(parse(sent_after="2026-10-25 02:30"), WARSAW)
    assert "comes twice" in note


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("id", "log_0199c2f47b1e7d21a1f6e8407cd4c44b", "write it like whs_"),
        ("source_id", "whs_0199c2f47b1e7d21a1f6e8407cd4c44b", "write it like wh_"),
        ("status", "DONE", "SENT, RETRY, ERROR"),
        ("sent_after", "2026-02-30", "has 28 days"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(name: str, value: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{name}: .*{said}"):
        parse(**{name: value})
