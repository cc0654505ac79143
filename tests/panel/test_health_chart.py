from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from auditpanel.panel.webhooks.events import GROUPS, KNOWN_TYPES, event_words
from auditpanel.panel.webhooks.health_chart import HEIGHT, health_view, rate_text
from auditpanel.webhooks.health import Bucket, Period
from auditpanel.webhooks.values import EventType

NOW = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")


def period(*counts: tuple[int, int], is_whole: bool = True) -> Period:
    """Each hour's attempts, and how many of them were delivered; the last one ends now."""
    start = NOW - timedelta(hours=len(counts))
    buckets = tuple(Bucket(start + timedelta(hours=place), *each) for place, each in enumerate(counts))
    attempts, delivered = sum(each[0] for each in counts), sum(each[1] for each in counts)
    return Period(start, is_whole, attempts, delivered, 88.0 if attempts else None, 1_200.0 if attempts else None, buckets)


@pytest.mark.parametrize(
    ("delivered", "attempts", "text"),
    [(0, 0, ""), (0, 5, "0%"), (5, 5, "100%"), (99_999, 100_000, "99.9%"), (1, 1_000, "< 1%"), (79, 100, "79%"), (996, 1_000, "99.6%")],
)
def test_a_rate_is_never_better_than_it_is(delivered: int, attempts: int, text: str) -> None:
    assert rate_text(delivered, attempts) == text


def test_the_chart_is_told_in_words_with_its_worst_bar() -> None:
    view = health_view("Last 24 hours", period((10, 10), (0, 0), (100, 40), (20, 19)), WARSAW)
    assert view.words == "Last 24 hours: 130 attempts, 61 failed. Most failures Tue 15:00 to 16:00: 60 of 100."
    assert [bar.words for bar in view.bars][1] == "Tue 15:00 to 16:00: 100 attempts, 60 failed"
    assert (view.begin, view.rate, view.median, view.p95) == ("Tue 13:00", "53%", "88 ms", "1.20 s")


def test_bars_are_as_high_as_their_attempts_and_a_single_failure_is_seen() -> None:
    bars = health_view("Last 24 hours", period((1_000, 999), (500, 500), (1, 1)), WARSAW).bars
    assert bars[0].height == HEIGHT and bars[1].height == HEIGHT / 2
    assert bars[0].bad >= 3 and bars[1].bad == 0
    assert bars[2].height >= 2


def test_without_attempts_there_is_nothing_to_draw_and_no_rate() -> None:
    view = health_view("Last 7 days", period((0, 0), (0, 0)), WARSAW)
    assert view.bars == [] and view.rate == view.median == ""
    assert view.words == "Last 7 days: no attempt."


def test_what_was_not_looked_at_is_said() -> None:
    assert "newest 100 attempts" in health_view("Last 7 days", period((100, 100), (0, 0), is_whole=False), WARSAW).note


def test_each_type_of_the_platform_can_be_chosen_but_the_test() -> None:
    assert set(KNOWN_TYPES) == set(EventType) - {EventType.TEST}
    assert all(group.types for group in GROUPS)


def test_events_read_by_their_object() -> None:
    assert event_words(None) == ["All events"]
    assert event_words(["order.paid", "voucher.updated", "voucher.created"]) == ["Vouchers: created, updated", "order.paid"]
    assert event_words([*GROUPS[1].types, "campaign.vouchers.generation.completed"]) == ["Customers: all", "Campaigns: vouchers generated"]
    assert event_words(["export.ready"]) == ["Exports: ready"]
