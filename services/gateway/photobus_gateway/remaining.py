"""How much longer something takes, guessed from how long what is done has taken. Pure."""

from datetime import datetime


def remaining_seconds(done: int, total: int | None, started_at: datetime | None, now: datetime) -> float | None:
    """Return the seconds that the rest takes if it goes on as since ``started_at``; None while nobody can know."""
    if not done or total is None or started_at is None:
        return None
    took = max(0.0, (now - started_at).total_seconds())
    return round(took * max(0, total - done) / done, 1)
