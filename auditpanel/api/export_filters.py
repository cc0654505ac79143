"""The filters of an export as the public API writes them, read into the FilterSet of the record's list.

    {"junction": "and", "status": {"conditions": {"$is": ["failure"]}}, "created_at": {"conditions": {"$after": ["2026-11-24"]}}}

A FilterSet joins values by "or", and its fields either all by "and" or all by "or"; it knows no "not". What it cannot say is refused, since
a file of more rows than were asked for is worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditpanel.errors import InvalidInput
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported
from auditpanel.filters import FilterSet, Match, Range

Json = dict[str, object]
# By condition, the parameter of the list that it is.
Conditions = dict[str, str]

PLACE = "parameters.filters"
JUNCTIONS = {"and": Match.ALL, "or": Match.ANY}
RANGE = {"created_after", "created_before"}
CAMPAIGN = "parameters.campaign_id"


def _is(parameter: str) -> Conditions:
    return {"$is": parameter, "$in": parameter}


def _contains(parameter: str) -> Conditions:
    return {"$contains": parameter}


def _begins(parameter: str) -> Conditions:
    return {"$starts_with": parameter}


_CREATED: Conditions = {"$after": "created_after", "$before": "created_before"}
_CATALOGUE = {"id": _is("id"), "created_at": _CREATED}
# Names are those of the file's fields.
TERMS: Mapping[Exported, Mapping[str, Conditions]] = {
    Exported.LOG: {
        "created_at": _CREATED,
        "status": _is("result"),
        "status_code": _is("status"),
        "origin": _is("origin"),
        "method": _is("method"),
        "endpoint": _is("route"),
        "path": _contains("path_contains"),
        "user_email": _is("user"),
        "app_id": _is("api_key"),
        "customer": _is("customer"),
        "request_id": _is("request_id"),
        "request_duration": {"$more_than": "min_duration_ms", "$more_than_equal": "min_duration_ms"},
        "request_body": _contains("request_text"),
        "response_body": _contains("response_text"),
    },
    Exported.TASK: {
        "created_at": _CREATED,
        "type": _is("type"),
        "status": _is("status"),
        "request_id": _is("request_id"),
        "who": _is("who"),
    },
    Exported.EXPORT: {
        "created_at": _CREATED,
        "id": _is("id"),
        "status": _is("status"),
        "exported_object": _is("exported"),
        "format": _is("format"),
        "request_id": _is("request_id"),
        "who": _is("who"),
    },
    Exported.SENDOUT: {
        "created_at": _CREATED,
        "sent_at": {"$after": "sent_after", "$before": "sent_before"},
        "id": _is("id"),
        "status": _is("status"),
        "type": _is("type"),
        "request_id": _is("request_id"),
        "source_id": _is("source_id"),
        "target_url": _contains("url_contains"),
    },
    Exported.CAMPAIGN: _CATALOGUE
    | {
        "name": _is("name") | _contains("search"),
        "campaign_type": _is("campaign_type"),
        "category": _is("category"),
        "active": _is("active"),
    },
    Exported.VOUCHER: _CATALOGUE
    | {
        "code": _is("code") | _begins("search"),
        "campaign": _is("campaign"),
        "campaign_id": _is("campaign"),
        "voucher_type": _is("type"),
        "category": _is("category"),
        "active": _is("active"),
    },
    Exported.CUSTOMER: _CATALOGUE
    | {"source_id": _is("source_id"), "email": _is("email"), "name": _is("name"), "source_id_or_email": _begins("search")},
    Exported.PRODUCT: _CATALOGUE | {"source_id": _is("source_id"), "name": _is("name"), "source_id_or_name": _begins("search")},
    Exported.SKU: _CATALOGUE
    | {"source_id": _is("source_id"), "sku": _is("sku"), "product_id": _is("product"), "source_id_or_sku": _begins("search")},
}


@dataclass(slots=True)
class _Found:
    """`places` tells where in the body a parameter of the list comes from."""

    params: list[tuple[str, str]] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    def add(self, parameter: str, values: list[str], place: str) -> None:
        before = self.places.setdefault(parameter, place)
        if before != place:
            raise InvalidInput(f"{before} narrows by the same already; put the values into one of them", field=place)
        self.params += [(parameter, value) for value in values]


def read_filters(exported: Exported, filters: Json, campaign_id: str | None = None) -> FilterSet:
    """Without a range in them, all of time. Raises InvalidInput, its field the path of what cannot be taken."""
    match = _read_junction(filters.get("junction"))
    found = _Found()
    if campaign_id is not None:
        _add_campaign(found, exported, campaign_id)
    for name, condition in filters.items():
        if name != "junction":
            _read_term(found, exported, name, condition)
    if match is Match.ANY:
        _check_alternatives(found)
    return _parsed(exported, match, found)


def _read_junction(junction: object) -> Match:
    if junction is None:
        return Match.ALL
    if not isinstance(junction, str) or junction.lower() not in JUNCTIONS:
        raise InvalidInput(f'{_shown(junction)} is not known; write "and" or "or"', field=f"{PLACE}.junction")
    return JUNCTIONS[junction.lower()]


def _add_campaign(found: _Found, exported: Exported, campaign_id: str) -> None:
    if exported is not Exported.VOUCHER:
        raise InvalidInput(f"goes with vouchers only; leave it out for {exported}", field=CAMPAIGN)
    found.add("campaign", _read_values(campaign_id, CAMPAIGN), CAMPAIGN)


def _read_term(found: _Found, exported: Exported, name: str, condition: object) -> None:
    place, terms = f"{PLACE}.{name[:80]}", TERMS[exported]
    if name not in terms:
        known = ", ".join(f"{term} ({', '.join(conditions)})" for term, conditions in terms.items())
        raise InvalidInput(f"{exported} cannot be narrowed by it; there are {known}", field=place)
    asked = condition.get("conditions") if isinstance(condition, dict) and len(condition) == 1 else None
    if not isinstance(asked, dict) or not asked:
        example = next(iter(terms[name]))
        raise InvalidInput(f'expected an object like {{"conditions": {{"{example}": ["…"]}}}}', field=place)
    for operator, values in asked.items():
        if operator not in terms[name]:
            known = ", ".join(terms[name])
            raise InvalidInput(f'"{operator[:40]}" is not kept here for {name}; there are {known}', field=f"{place}.conditions")
        found.add(terms[name][operator], _read_values(values, f"{place}.conditions.{operator}"), f"{place}.conditions.{operator}")


def _read_values(values: object, place: str) -> list[str]:
    """Each of them is a text, a number, or true or false; one alone need not be in a list."""
    items = values if isinstance(values, list) else [values]
    if not items:
        raise InvalidInput("no value is in it; write at least one, or leave the condition out", field=place)
    return [_read_value(item, place) for item in items]


def _read_value(item: object, place: str) -> str:
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, int | float):
        return f"{item:.15g}" if isinstance(item, float) else str(item)
    if not isinstance(item, str):
        raise InvalidInput(f"{_shown(item)} is no value to compare with; write texts, numbers, true or false in a list", field=place)
    # The list passes over empty values and the white space around others, so that a form can send them.
    if not item or item != item.strip():
        raise InvalidInput(f'"{item[:60]}" is empty or has white space at its ends, which no filter looks for', field=place)
    return item


def _check_alternatives(found: _Found) -> None:
    """The time of creation bounds the list whatever joins the others, and so does a campaign that stands beside the filters."""
    bound = [name for name in found.places if name in RANGE or found.places[name] == CAMPAIGN]
    if bound and len(found.places) > len(bound):
        raise InvalidInput(
            'cannot be one of alternatives: it narrows the export whatever joins the filters; write the junction "and", or leave it out',
            field=found.places[bound[0]],
        )


def _parsed(exported: Exported, match: Match, found: _Found) -> FilterSet:
    is_ranged = any(name in RANGE for name in found.places)
    params = [("match", str(match)), *([] if is_ranged else [("range", str(Range.ALL))]), *found.params]
    try:
        return SUBJECTS[exported].read_filters(params)
    except InvalidInput as error:
        raise InvalidInput(error.reason, field=found.places.get(error.field or "", PLACE)) from None


def _shown(value: object) -> str:
    return f'"{value[:60]}"' if isinstance(value, str) else str(value)[:60]
