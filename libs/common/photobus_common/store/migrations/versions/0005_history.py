"""Ways into the archive: by time, by kind of event, by who did it."""

from alembic import op

from photobus_common.store.migrations.sql import statements_of

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the indexes by which the log is asked."""
    for statement in statements_of("0005_history.sql"):
        op.execute(statement)
