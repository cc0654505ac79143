from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from auditpanel.catalogue.cells import Wrong, metadata_converter
from auditpanel.catalogue.metadata_rules import check_definition, check_given, check_whole, what_is_wrong
from auditpanel.catalogue.metadata_schemas import check_changed, check_new, define_key
from auditpanel.catalogue.models import Customer, Resource
from auditpanel.errors import InvalidInput
from auditpanel.ids import new_uuid
from tests.catalogue.driving import NOW, make_scope

Json = dict[str, object]


@pytest.mark.parametrize(
    ("definition", "right", "wrong", "why"),
    [
        ({"type": "string"}, "007", 7, "is not a text"),
        ({"type": "number"}, 1.5, True, "is not a number"),
        ({"type": "boolean"}, False, "yes", "is neither true nor false"),
        ({"type": "date"}, "2026-11-25", "25.11.2026", "is not a day in ISO 8601"),
        ({"type": "datetime"}, "2026-11-25T08:30:00Z", "noon", "is not a date in ISO 8601"),
        ({"type": "object"}, {"a": 1}, [1], "is not an object"),
        ({"type": "Measure"}, {"a": 1}, "a", "is not an object"),
        ({"type": "geopoint"}, [52.2, 21], [521, 21], "is not a place"),
        ({"type": "image_url"}, "https://e.com/a.png", "a.png", "is not the address of an image"),
        ({"type": "string", "array": True}, ["a"], "a", "is not a list"),
        ({"type": "number", "array": True}, [1, 2], [1, "2"], 'has "2" in it, which is not a number'),
        ({"type": "string", "eq": ["summer", "winter"]}, "summer", "spring", 'write "summer", "winter"'),
        ({"type": "number", "eq": [1]}, 1, 2, "is not one of"),
        ({"type": "string", "ne": ["x"]}, "y", "x", "is a value that is not taken"),
        ({"type": "string", "maxLength": 3}, "żół", "żółw", "has 4 characters; write at most 3"),
        ({"type": "string", "minLength": 2, "exactLength": None}, "ab", "a", "has 1 characters; write at least 2"),
        ({"type": "string", "exactLength": 2}, "ab", "abc", "write exactly 2"),
        ({"type": "number", "gte": 0, "lt": 10}, 0, 10, "write a number below 10"),
    ],
)
def test_a_value_is_held_to_its_definition(definition: Json, right: object, wrong: object, why: str) -> None:
    assert what_is_wrong(right, definition) is None
    assert why in (what_is_wrong(wrong, definition) or "")
    assert what_is_wrong(wrong, definition | {"deleted": True}) is None


def test_what_is_needed_has_to_be_there_and_stays() -> None:
    schema: dict[str, Json] = {"season": {"type": "string", "optional": False}, "size": {"type": "number"}}
    check_whole({"season": "summer", "size": None, "other": [1]}, schema)
    with pytest.raises(InvalidInput, match=r"metadata\.season: is missing"):
        check_whole({"size": 1}, schema)
    check_given({"size": 1}, schema)
    for given, unset in (({"season": None}, ()), ({}, ("season",))):
        with pytest.raises(InvalidInput, match=r"metadata\.season: cannot be taken off"):
            check_given(given, schema, unset=unset)
    with pytest.raises(InvalidInput, match=r'metadata\.size: "1" is not a number'):
        check_given({"size": "1"}, schema)


def test_cells_are_held_to_the_rules_too() -> None:
    convert = metadata_converter({"type": "string", "array": True, "eq": ["a", "b"]})
    assert convert("a, b") == ["a", "b"]
    with pytest.raises(Wrong, match='has "c" in it, which is not one of'):
        convert("a,c")


@pytest.mark.parametrize(
    "definition",
    [{"type": "colour"}, {"type": "number", "eq": ["1"]}, {"type": "string", "eq": "a"}, {"type": "string", "maxLength": -1}],
)
def test_a_definition_that_nothing_could_be_held_to_is_refused(definition: Json) -> None:
    with pytest.raises(InvalidInput):
        check_definition(definition)


def test_records_are_held_to_the_schema_of_their_project_and_kind(session: Session) -> None:
    scope, other = make_scope(session), make_scope(session)
    rules = {"optional": False, "eq": ["gold", "silver"]}
    define_key(session, scope, Resource.CUSTOMER, "tier", "string", rules=rules, now=NOW)
    bare = Customer(project_id=scope.project_id, id=new_uuid(), metadata_={})
    with pytest.raises(InvalidInput, match=r"metadata\.tier: is missing"):
        check_new(session, bare)
    check_new(session, Customer(project_id=other.project_id, id=new_uuid(), metadata_={}))
    check_changed(session, bare, {"tier": "gold", "else": 1})
    with pytest.raises(InvalidInput, match=r'metadata\.tier: "tin" is not one of the values that are taken; write "gold", "silver"'):
        check_changed(session, bare, {"tier": "tin"})
    with pytest.raises(InvalidInput, match="cannot be taken off"):
        check_changed(session, bare, {}, unset=["tier"])
