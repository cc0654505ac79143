from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, User
from tests.browser.conftest import Open
from tests.browser.recording import at, list_url, make_call, record, record_call
from tests.browser.watching import settle
from tests.factories import make_member


def rows(page: Page) -> Locator:
    """Those of the calls; the reader's own visits to the panel are in the list, too."""
    return page.get_by_role("row").filter(has=page.get_by_role("link"), has_not=page.get_by_role("cell", name="Dashboard"))


def call(page: Page, path: str) -> Locator:
    return page.get_by_role("link", name=path, exact=True)


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_the_list_opens_on_the_last_24_hours(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record(session, shop, make_call(path="/v1/today"), make_call(path="/v1/long-ago", minutes_ago=25 * 60))
    page = browse(nina)
    page.goto(list_url(shop))
    expect(page.get_by_text("Last 24 hours").first).to_be_visible()
    expect(call(page, "/v1/today")).to_be_visible()
    expect(call(page, "/v1/long-ago")).to_have_count(0)
    page.get_by_text("Last 24 hours").first.click()
    page.get_by_role("link", name="All time").click()
    expect(call(page, "/v1/long-ago")).to_be_visible()
    assert query(page) == {"range": ["all"]}


def test_the_switch_shows_errors_only(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record(
        session, shop, make_call(path="/v1/good"), make_call(path="/v1/bad", status_code=500), make_call(path="/v1/gone", status_code=404)
    )
    page = browse(nina)
    page.goto(list_url(shop))
    expect(rows(page)).to_have_count(3)
    page.get_by_role("navigation", name="Result").get_by_role("link", name="Errors 2").click()
    expect(rows(page)).to_have_count(2)
    expect(call(page, "/v1/good")).to_have_count(0)
    page.get_by_role("navigation", name="Result").get_by_role("link", name="All").click()
    expect(rows(page)).to_have_count(3)


def test_filters_are_added_in_the_drawer_and_shown_as_chips_in_words(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record(
        session,
        shop,
        make_call(path="/v1/vouchers/A", origin="SHOPIFY", status_code=404),
        make_call(path="/v1/vouchers/B", origin="API", status_code=404),
        make_call(path="/v1/vouchers/C", origin="SHOPIFY", status_code=200),
        make_call(path="/v1/customers/D", origin="SHOPIFY", status_code=404),
    )
    page = browse(nina)
    page.goto(list_url(shop))
    page.get_by_role("button", name="Add filter").click()
    drawer = page.get_by_role("region", name="Filters")
    drawer.get_by_label("Shopify").check()
    drawer.get_by_label("Path contains").fill("/v1/vouchers")
    drawer.get_by_label("Status is").fill("4xx")
    drawer.get_by_role("button", name="Apply").click()
    expect(rows(page)).to_have_count(1)
    expect(call(page, "/v1/vouchers/A")).to_be_visible()
    for words in ("Origin is Shopify", "Path contains /v1/vouchers", "Status is 4xx"):
        expect(page.get_by_role("button", name=f"{words} , change this filter")).to_be_visible()

    page.get_by_role("link", name="Take away the filter Status is 4xx").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("navigation", name="How filters combine").get_by_role("link", name="Any").click()
    expect(rows(page)).to_have_count(4)
    expect(page.get_by_text("or", exact=True)).to_be_visible()
    assert query(page) == {"match": ["any"], "origin": ["SHOPIFY"], "path_contains": ["/v1/vouchers"]}


def test_a_chip_opens_the_drawer_at_its_field(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record_call(session, shop, path="/v1/vouchers/A")
    page = browse(nina)
    page.goto(list_url(shop, "path_contains=vouchers"))
    page.get_by_role("button", name="Path contains vouchers").click()
    field = page.get_by_role("region", name="Filters").get_by_label("Path contains", exact=True)
    expect(field).to_be_focused()
    field.fill("customers")
    field.press("Enter")
    expect(page.get_by_text("No call matches the filter")).to_be_visible()


def test_any_with_nothing_chosen_shows_all_there_is(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record(session, shop, make_call(), make_call(occurred_at=at("2021-03-04T05:06:07Z")))
    page = browse(nina)
    page.goto(list_url(shop))
    expect(rows(page)).to_have_count(1)
    page.get_by_role("navigation", name="How filters combine").get_by_role("link", name="Any").click()
    expect(rows(page)).to_have_count(2)


def type_range(page: Page, after: str, before: str) -> None:
    page.get_by_label("From, in project time").fill(after)
    page.get_by_label("To, in project time").fill(before)
    page.get_by_role("button", name="Apply these times").click()


def test_typed_dates_are_in_project_time(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record(
        session,
        shop,
        make_call(path="/before", occurred_at=at("2025-07-01T09:59:59.999Z")),
        make_call(path="/within", occurred_at=at("2025-07-01T10:00:00Z")),
        make_call(path="/after", occurred_at=at("2025-07-01T11:00:00Z")),
    )
    page = browse(nina)
    page.goto(list_url(shop))
    type_range(page, "2025-07-01 12:00", "1 Jul 2025 13:00")
    expect(call(page, "/within")).to_be_visible()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("row").filter(has=call(page, "/within"))).to_contain_text("12:00:00")
    expect(page.get_by_text("Times in Europe/Warsaw")).to_be_visible()


def test_a_wrong_date_stays_as_it_was_typed_and_is_told_what_would_be_right(
    browse: Open, session: Session, shop: Project, nina: User
) -> None:
    record_call(session, shop)
    page = browse(nina)
    page.goto(list_url(shop))
    type_range(page, "2025-02-30", "")
    field = page.get_by_label("From, in project time")
    expect(field).to_have_value("2025-02-30")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description('"2025-02-30" is not a date: Feb 2025 has 28 days; write a day as 2026-02-28 or 28 Feb 2026, and a time after it as 16:42 or 16:42:08')  # fmt: skip  # noqa: E501
    type_range(page, "2025-02-28", "")
    expect(rows(page)).to_have_count(1)


def test_a_change_of_the_clock_within_the_typed_dates_is_told(browse: Open, session: Session, shop: Project, nina: User) -> None:
    # In Warsaw, 02:30 came twice on this day: at 00:30 and at 01:30 UTC.
    record(session, shop, *(make_call(occurred_at=at(f"2025-10-26T0{hour}:30:00Z")) for hour in (0, 1)))
    page = browse(nina)
    page.goto(list_url(shop))
    type_range(page, "2025-10-26 02:15", "2025-10-26 02:45")
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_text("02:15").first).to_be_visible()
    expect(page.get_by_text("twice").first).to_be_visible()


def test_text_is_found_in_bodies(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record(
        session,
        shop,
        make_call(path="/asked", request_body='{"code": "SUMMER-24"}'),
        make_call(path="/answered", response_body='{"code": "SUMMER-24"}'),
        make_call(path="/neither", request_body='{"code": "WINTER-24"}'),
    )
    page = browse(nina)
    page.goto(list_url(shop))
    settle(page)
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Text in request or response body")
    expect(search).to_be_focused()
    page.keyboard.type("SUMMER-24")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(2)
    call(page, "/asked").click()
    expect(page.locator("mark")).to_have_text("SUMMER-24")


def test_reload_shows_what_has_come_since(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record_call(session, shop, path="/first")
    page = browse(nina)
    page.goto(list_url(shop, "path_contains=/"))
    expect(rows(page)).to_have_count(1)
    record(session, shop, make_call(path="/second", minutes_ago=0))
    page.get_by_role("link", name="Reload").click()
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("/second")
    assert query(page) == {"path_contains": ["/"]}


def test_pages_lead_to_older_calls_and_back_to_newer_ones(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record(session, shop, *(make_call(path=f"/call/{number}", minutes_ago=number + 1) for number in range(120)))
    page = browse(nina)
    page.goto(list_url(shop, "path_contains=call"))
    pages = page.get_by_role("navigation", name="Pages of the list")
    expect(pages).to_contain_text("Showing 50 of 120")
    expect(rows(page).first).to_contain_text("/call/0")
    pages.get_by_role("link", name="Older").click()
    expect(rows(page).first).to_contain_text("/call/50")
    pages.get_by_role("link", name="Older").click()
    expect(rows(page)).to_have_count(20)
    expect(rows(page).last).to_contain_text("/call/119")
    pages.get_by_role("link", name="Newer").click()
    expect(rows(page).first).to_contain_text("/call/50")
    pages.get_by_role("link", name="Newer").click()
    expect(rows(page).first).to_contain_text("/call/0")


def test_times_are_read_in_project_local_and_universal_time(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record(session, shop, *(make_call(occurred_at=at(f"2025-07-01T{hour}:15:00.250Z")) for hour in (20, 10)))
    page = browse(nina)
    page.goto(list_url(shop, "range=all&origin=API"))
    days = page.get_by_role("rowheader")
    switch = page.get_by_role("navigation", name="Times shown in")
    expect(rows(page).first).to_contain_text("22:15:00.250")
    expect(days).to_have_text(["Tue 1 Jul 2025"])
    switch.get_by_role("link", name="Local").click()
    expect(rows(page).first).to_contain_text("01:45:00.250")
    expect(rows(page).last).to_contain_text("15:45:00.250")
    # In Kolkata the later one was on the day after.
    expect(days).to_have_text(["Wed 2 Jul 2025", "Tue 1 Jul 2025"])
    expect(page.get_by_text("Times in Asia/Kolkata (local)")).to_be_visible()
    switch.get_by_role("link", name="UTC").click()
    expect(rows(page).first).to_contain_text("20:15:00.250")
    expect(page.get_by_text("Times in UTC", exact=True)).to_be_visible()


def test_a_link_shows_a_colleague_the_same_rows(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record(session, shop, *(make_call(path=f"/call/{number}", status_code=(200, 404, 500)[number % 3]) for number in range(9)))
    page = browse(nina)
    page.goto(list_url(shop))
    page.get_by_role("navigation", name="Result").get_by_role("link", name="Errors").click()
    page.get_by_role("navigation", name="Times shown in").get_by_role("link", name="UTC").click()
    expect(rows(page)).to_have_count(6)
    shown = rows(page).all_text_contents()
    colleague = browse(make_member(session, shop))
    colleague.goto(page.url)
    expect(rows(colleague)).to_have_count(6)
    assert rows(colleague).all_text_contents() == shown


def test_an_empty_list_names_the_filter_whose_removal_helps(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record(session, shop, make_call(status_code=404), make_call(status_code=404))
    page = browse(nina)
    page.goto(list_url(shop, "status=404&path_contains=nowhere"))
    expect(page.get_by_role("heading", name="No call matches all of the 2 filters")).to_be_visible()
    expect(page.get_by_text("Without Path contains nowhere there would be 2.")).to_be_visible()
    page.get_by_role("link", name="Take that filter away").click()
    expect(rows(page)).to_have_count(2)


def test_the_whole_row_opens_the_call(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record_call(session, shop, path="/v1/vouchers/A")
    page = browse(nina)
    page.goto(list_url(shop))
    page.get_by_role("cell", name="API").click()
    expect(page.get_by_role("heading", level=1, name="GET /v1/vouchers/A")).to_be_visible()


def test_the_keyboard_walks_the_rows_and_opens_one(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record(session, shop, *(make_call(path=f"/call/{number}", minutes_ago=number + 1) for number in range(3)))
    page = browse(nina)
    page.goto(list_url(shop, "path_contains=call"))
    settle(page)
    for key in ("j", "j", "j", "k"):
        page.keyboard.press(key)
    expect(call(page, "/call/1")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="/call/1")).to_be_visible()
