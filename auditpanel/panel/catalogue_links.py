"""The pages of what a record refers to: a log's references, a task's campaign."""

from __future__ import annotations

from flask import url_for

from auditpanel.catalogue.models import Resource
from auditpanel.ids import Prefix

VIEWS = {
    Resource.CAMPAIGN: ("campaigns", Prefix.CAMPAIGN),
    Resource.VOUCHER: ("vouchers", Prefix.VOUCHER),
    Resource.CUSTOMER: ("customers", Prefix.CUSTOMER),
    Resource.PRODUCT: ("products", Prefix.PRODUCT),
    Resource.SKU: ("skus", Prefix.SKU),
}
# What the navigation shows as one.
CATALOGUE_VIEWS = frozenset({"catalogue", "metadata_schemas", *(view for view, _ in VIEWS.values())})


def catalogue_url(type: str, id: str) -> str | None:
    """`id` is an id, a voucher's code, a campaign's name or a source id. None for what is not in the catalogue."""
    if type not in list(Resource):
        return None
    view, prefix = VIEWS[Resource(type)]
    if id.startswith(prefix) and id.removeprefix(prefix).isalnum():
        return url_for(f"{view}.show", record_id=id)
    # A code may have any character in it, a slash too, so it goes into the query.
    return url_for(f"{view}.named", name=id)
