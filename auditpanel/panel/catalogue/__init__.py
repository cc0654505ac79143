"""The pages of the catalogue, `/projects/<project id>/catalogue/`: a view for each kind of record, and one for the types of metadata."""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose

from auditpanel.panel.catalogue.campaigns import CampaignsView
from auditpanel.panel.catalogue.customers import CustomersView
from auditpanel.panel.catalogue.products import ProductsView
from auditpanel.panel.catalogue.schemas import MetadataSchemasView
from auditpanel.panel.catalogue.skus import SkusView
from auditpanel.panel.catalogue.vouchers import VouchersView
from auditpanel.panel.scope import current_scope
from auditpanel.panel.views import PanelView

URL = "/projects/<project_id>/catalogue"


class CatalogueView(PanelView):
    def require_access(self) -> None:
        current_scope()

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return redirect(url_for("campaigns.index"))


def views() -> list[BaseView]:
    return [
        CatalogueView(url=URL, endpoint="catalogue"),
        CampaignsView(url=f"{URL}/campaigns", endpoint="campaigns"),
        VouchersView(url=f"{URL}/vouchers", endpoint="vouchers"),
        CustomersView(url=f"{URL}/customers", endpoint="customers"),
        ProductsView(url=f"{URL}/products", endpoint="products"),
        SkusView(url=f"{URL}/skus", endpoint="skus"),
        MetadataSchemasView(url=f"{URL}/metadata-schemas", endpoint="metadata_schemas"),
    ]
