"""SQL stands in named queries, and each one that writes has a place in the log, or a reason to have none."""

from writing_queries import STATE, WITHOUT_EVENT, WRITING, nameless, sources, writing_queries, written_by

from photobus_common.events.catalogue import CATALOGUE


def test_all_sql_has_a_name() -> None:
    assert [(module, line) for module, tree in sources() for line in nameless(tree)] == []


def test_every_query_that_writes_has_its_place_and_every_place_its_query() -> None:
    found = {(query.module, query.name) for query in writing_queries()}
    assert {(module, name) for module, queries in WRITING.items() for name in queries} == found


def test_what_writes_state_says_so_in_the_log() -> None:
    silent = {
        (query.module, query.name)
        for query in writing_queries()
        if query.tables & STATE and isinstance(WRITING[query.module][query.name], str)
    }
    assert silent == WITHOUT_EVENT


def test_the_events_are_those_of_the_catalogue_and_the_reasons_are_words() -> None:
    for queries in WRITING.values():
        for name, place in queries.items():
            assert place, name
            assert isinstance(place, str) or all(CATALOGUE[event.TYPE] is event for event in place), name


def test_queries_that_write_are_told_from_those_that_read() -> None:
    assert written_by("SELECT id FROM photos WHERE id = $1 FOR UPDATE OF photos") == frozenset()
    assert written_by("INSERT INTO a (b) VALUES (1) ON CONFLICT (b) DO UPDATE SET b = 2") == {"a"}
    assert written_by("WITH gone AS (DELETE FROM a WHERE b RETURNING *) UPDATE c AS d SET e = 1") == {"a", "c"}
    assert written_by("UPDATE ONLY a SET b = 1") == {"a"}
