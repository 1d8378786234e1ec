"""In databases of tests, what the product writes is told in the log, or is not committed.

Triggers know its queries by their text, so rows that a test writes by queries of its own are not their concern.
"""

from collections.abc import Iterable
from hashlib import md5
from typing import Final

import asyncpg
from writing_queries import STATE, WRITING, Query, writing_queries

from photobus_common.store.database import Connection

_INSTALL: Final = """
CREATE SCHEMA told;
CREATE TABLE told.queries (digest text PRIMARY KEY, name text NOT NULL, events text[] NOT NULL);
CREATE UNLOGGED TABLE told.changes (name text NOT NULL, events text[] NOT NULL);

CREATE FUNCTION told.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('told.arranging', true) = 'on' IS NOT TRUE AND EXISTS (SELECT FROM changed) THEN
        INSERT INTO told.changes SELECT name, events FROM told.queries WHERE digest = md5(current_query());
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION told.remember() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('told.events', concat_ws(' ', current_setting('told.events', true), (
        SELECT string_agg(DISTINCT convert_from(payload, 'UTF8')::json->>'type', ' ') FROM said
        WHERE kind = 'event' AND convert_from(payload, 'UTF8') IS JSON OBJECT
    )), true);
    RETURN NULL;
END $$;
CREATE TRIGGER told AFTER INSERT ON outbox REFERENCING NEW TABLE AS said FOR EACH STATEMENT
    EXECUTE FUNCTION told.remember();

CREATE FUNCTION told.hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT NEW.events && string_to_array(current_setting('told.events', true), ' ') IS TRUE THEN
        RAISE EXCEPTION '% wrote rows, and the transaction says none of %', NEW.name, NEW.events;
    END IF;
    DELETE FROM told.changes;  -- those of this transaction: others' are never seen
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON told.changes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION told.hold();
"""

_WATCH: Final = """
CREATE TRIGGER told_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION told.note();
CREATE TRIGGER told_update AFTER UPDATE ON {table} REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION told.note();
CREATE TRIGGER told_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION told.note();
"""

_ADD_QUERY: Final = "INSERT INTO told.queries (digest, name, events) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"


_ARRANGE: Final = "SELECT set_config('told.arranging', 'on', true)"


async def arrange(connection: Connection) -> None:
    """Let this transaction write what a test begins with, by queries of the product, and tell nobody."""
    await connection.execute(_ARRANGE)


async def hold_changes(connection: asyncpg.Connection) -> None:
    """Let the database refuse what is not told."""
    await connection.execute(_INSTALL)
    for table in sorted(STATE):
        await connection.execute(_WATCH.format(table=table))
    await connection.executemany(_ADD_QUERY, list(_told(writing_queries())))


def _told(queries: Iterable[Query]) -> Iterable[tuple[str, str, list[str]]]:
    for query in queries:
        events = WRITING[query.module][query.name]
        if not isinstance(events, str):
            for text in query.texts:
                digest = md5(text.encode(), usedforsecurity=False).hexdigest()
                yield digest, f"{query.module}.{query.name}", [event.TYPE for event in events]
