"""What the project's metadata schema asks for, asked of every call that sets metadata."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from auditpanel.catalogue.metadata_schemas import define_key
from auditpanel.catalogue.models import Resource
from auditpanel.times import utc_now
from tests.api.calling import Caller, discount_campaign, discount_voucher

Json = dict[str, object]


@pytest.mark.parametrize(
    ("resource", "path", "body"),
    [
        (Resource.VOUCHER, "/vouchers", discount_voucher("A")),
        (Resource.CAMPAIGN, "/campaigns", discount_campaign(name="A")),
        (Resource.CUSTOMER, "/customers", {"source_id": "A"}),
        (Resource.PRODUCT, "/products", {"source_id": "A"}),
        (Resource.SKU, "/products/P/skus", {"source_id": "A"}),
    ],
)
def test_records_are_created_and_changed_only_as_the_schema_asks(
    caller: Caller, session: Session, resource: Resource, path: str, body: Json
) -> None:
    caller.post("/products", {"source_id": "P"})
    define_key(session, caller.scope, resource, "season", "string", rules={"optional": False, "eq": ["summer"]}, now=utc_now())
    session.commit()
    missing = caller.post(path, body)
    assert missing.status_code == 400 and "metadata.season: is missing" in missing.get_json()["details"], missing.text
    wrong = caller.post(path, body | {"metadata": {"season": "winter"}})
    assert wrong.status_code == 400 and 'metadata.season: "winter" is not one of' in wrong.get_json()["details"]
    made = caller.post(path, body | {"metadata": {"season": "summer"}})
    assert made.status_code == 200, made.text
    for season, status in (("winter", 400), (None, 400), ("summer", 200)):
        changed = caller.put(f"{path}/A", {"metadata": {"season": season}})
        assert changed.status_code == status, changed.text
    assert caller.put(f"{path}/A", {"metadata": {"other": 1}}).status_code == 200
    assert caller.get(f"{path.replace('/products/P', '')}/A").get_json()["metadata"] == {"season": "summer", "other": 1}
