"""Projects are deleted and come back: what becomes of their folders is on record."""

from alembic import op

from photobus_common.store.migrations.sql import statements_of

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the record of operations on whole folders, and by which task a project was deleted."""
    for statement in statements_of("0003_project_deletion.sql"):
        op.execute(statement)
