"""The reasons for which a task's rows were refused, counted on the task."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("async_actions", sa.Column("refused_reasons", JSONB(), server_default=sa.text("'{}'"), nullable=False))
    # Of the tasks that are there; one that is still running has counted too few of them by its end at most.
    op.execute(
        """
        UPDATE async_actions AS task SET refused_reasons = counted.reasons
        FROM (
            SELECT project_id, task_id, jsonb_object_agg(pattern, number) AS reasons
            FROM (
                SELECT project_id, task_id, pattern, count(*) AS number,
                       row_number() OVER (PARTITION BY project_id, task_id ORDER BY count(*) DESC, pattern) AS place
                FROM (
                    SELECT project_id, task_id, regexp_replace(reason, '"[^"]*"', '"…"', 'g') AS pattern FROM refused_rows
                ) AS named
                GROUP BY project_id, task_id, pattern
            ) AS ranked
            WHERE place <= 20
            GROUP BY project_id, task_id
        ) AS counted
        WHERE task.project_id = counted.project_id AND task.id = counted.task_id
        """
    )


def downgrade() -> None:
    op.drop_column("async_actions", "refused_reasons")
