"""Photos move between projects and come back from the trash; what was done is taken back."""

from alembic import op

from photobus_common.store.migrations.sql import statements_of

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Let file operations tell of moves and of what is brought back, and let items be canceled."""
    for statement in statements_of("0002_photo_sets.sql"):
        op.execute(statement)
