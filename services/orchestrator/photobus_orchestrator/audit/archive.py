"""The archive by itself: its chain, and, if that is asked for, whether the columns of each row are what it says."""

from typing import Final

from photobus_common.events import UnreadableEventError
from photobus_common.store import event_log
from photobus_common.store.database import Connection
from photobus_common.store.event_log import Cursor, Entry
from photobus_orchestrator.audit import columns
from photobus_orchestrator.audit.chain import Chain, Link, links_until
from photobus_orchestrator.audit.projections import READ
from photobus_orchestrator.audit.report import Section
from photobus_orchestrator.fold import read_event

PAGE: Final = 500


async def follow_chain(connection: Connection, cursor: Cursor, section: Section) -> None:
    """Take what is wrong with the chain."""
    chain = Chain()
    async for link in links_until(connection, cursor.seq):
        if (wrong := chain.take(link)) is not None:
            section.differ(wrong)
    _end(chain, cursor, section)


async def check_rows(connection: Connection, cursor: Cursor, section: Section) -> None:
    """Take what is wrong with the chain, or with the columns of a row."""
    chain = Chain()
    async for page in event_log.entries_between(connection, 0, cursor.seq, PAGE):
        for entry in page:
            payload = entry.payload.encode()
            if (wrong := chain.take(Link(entry.seq, entry.hash, payload))) is not None:
                section.differ(wrong)
            _check_columns(entry, payload, section)
    _end(chain, cursor, section)


def _check_columns(entry: Entry, payload: bytes, section: Section) -> None:
    try:
        section.differ_all(columns.differences(entry, read_event(entry.seq, payload)))
    except UnreadableEventError as error:
        if entry.type not in READ:  # the others are told where they are folded
            section.differ(f"event_log {entry.seq}: {error.public_message}")


def _end(chain: Chain, cursor: Cursor, section: Section) -> None:
    section.differ_all(chain.end(cursor))
    section.seen += chain.said(cursor)
