"""What several resources answer with."""

from pydantic import BaseModel


class ListView(BaseModel):
    """What every paged list has beside its ``items``.

    ``total`` counts the whole list; where ``total_exact`` is false it is a bound up to which was counted, and there are
    more. A cursor is null where there is no such page.
    """

    total: int
    total_exact: bool = True
    next_cursor: str | None
    prev_cursor: str | None
