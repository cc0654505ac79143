"""Who may make an export: see `auditpanel.leases`. An export is made as a whole, so no start gets it further but its last."""

from __future__ import annotations

from auditpanel.exports.models import DueExport
from auditpanel.leases import DueTable

EXPORTS = DueTable(
    DueExport,
    DueExport.project_id,
    DueExport.export_id,
    DueExport.lease_token,
    DueExport.lease_until,
    fruitless_starts=DueExport.starts,
)

claim = EXPORTS.claim
renew = EXPORTS.renew
release = EXPORTS.release
give_back = EXPORTS.give_back
end = EXPORTS.end
kept_alive = EXPORTS.kept_alive
projects_with_due_exports = EXPORTS.projects_with_due
due_exports = EXPORTS.due
