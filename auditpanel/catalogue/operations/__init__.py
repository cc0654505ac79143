"""The work of background tasks: an operation for each type."""

from __future__ import annotations

from collections.abc import Mapping

from auditpanel.catalogue.customers import CUSTOMER_EVENTS
from auditpanel.catalogue.models import Customer, Product, Voucher
from auditpanel.catalogue.operations import campaign_sweeps, voucher_imports, voucher_updates
from auditpanel.catalogue.operations.entries import CUSTOMERS, PRODUCTS, SKUS
from auditpanel.catalogue.operations.entry_imports import bulk_update, import_csv, metadata_update
from auditpanel.catalogue.operations.generation import GENERATE
from auditpanel.catalogue.operations.purging import metadata_key_purge
from auditpanel.catalogue.products import PRODUCT_EVENTS
from auditpanel.catalogue.vouchers import VOUCHER_EVENTS
from auditpanel.tasks.values import Operation, TaskType

OPERATIONS: Mapping[TaskType, Operation] = {
    TaskType.CAMPAIGN_VOUCHERS_IMPORT: voucher_imports.IMPORT_JSON,
    TaskType.CAMPAIGN_VOUCHERS_IMPORT_CSV: voucher_imports.IMPORT_CSV,
    TaskType.CAMPAIGN_VOUCHERS_UPDATE: campaign_sweeps.UPDATE,
    TaskType.CAMPAIGN_VOUCHERS_DELETE: campaign_sweeps.DELETE,
    TaskType.CAMPAIGN_VOUCHERS_GENERATE: GENERATE,
    TaskType.CUSTOMERS_IMPORT_CSV: import_csv(CUSTOMERS),
    TaskType.CUSTOMERS_BULK_UPDATE: bulk_update(CUSTOMERS),
    TaskType.CUSTOMERS_METADATA_UPDATE: metadata_update(CUSTOMERS),
    TaskType.CUSTOMERS_METADATA_KEY_PURGE: metadata_key_purge(Customer, CUSTOMER_EVENTS),
    TaskType.PRODUCTS_BULK_UPDATE: bulk_update(PRODUCTS),
    TaskType.PRODUCTS_METADATA_UPDATE: metadata_update(PRODUCTS),
    TaskType.PRODUCTS_METADATA_KEY_PURGE: metadata_key_purge(Product, PRODUCT_EVENTS),
    TaskType.PRODUCTS_IMPORT_CSV: import_csv(PRODUCTS),
    TaskType.SKUS_IMPORT_CSV: import_csv(SKUS),
    TaskType.VOUCHERS_IMPORT: voucher_imports.IMPORT_JSON,
    TaskType.VOUCHERS_IMPORT_CSV: voucher_imports.IMPORT_CSV,
    TaskType.VOUCHERS_BULK_UPDATE: voucher_updates.BULK_UPDATE,
    TaskType.VOUCHERS_METADATA_UPDATE: voucher_updates.METADATA_UPDATE,
    TaskType.VOUCHERS_METADATA_KEY_PURGE: metadata_key_purge(Voucher, VOUCHER_EVENTS),
}
