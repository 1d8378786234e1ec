"""The tables of the spine: access, catalogue, uploads, log, projections, claims."""

from alembic import op

from photobus_common.store.migrations.sql import statements_of

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table of the first version."""
    for statement in statements_of("0001_spine.sql"):
        op.execute(statement)
