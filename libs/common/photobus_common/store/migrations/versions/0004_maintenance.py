"""Maintenance: what it found, what is missing and for how long, what it is about to rename, and when it runs."""

from alembic import op

from photobus_common.store.migrations.sql import statements_of

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the records of maintenance, its confirmations and its schedules."""
    for part in ("maintenance", "confirmations", "schedules"):
        for statement in statements_of(f"0004_{part}.sql"):
            op.execute(statement)
