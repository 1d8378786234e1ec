"""Reading the SQL files of the migrations, statement by statement, as asyncpg wants them."""

from collections.abc import Iterator
from importlib.resources import files


def statements_of(name: str) -> Iterator[str]:
    """Yield the statements of ``versions/<name>``; a statement ends at a line that ends in ``;`` outside ``$$``."""
    text = (files("photobus_common.store.migrations") / "versions" / name).read_text(encoding="utf-8")
    statement: list[str] = []
    for line in text.splitlines():
        if line.strip():
            statement.append(line)
        if line.rstrip().endswith(";") and "\n".join(statement).count("$$") % 2 == 0:
            yield "\n".join(statement)
            statement = []
