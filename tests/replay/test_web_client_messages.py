"""The web client knows each message of live updates that any event of any recorded history becomes, and no other."""

import re
from pathlib import Path

from recorded import NAMES, lines

from photobus_common.events import decode
from photobus_gateway.sse_events import expand

MESSAGES = Path(__file__).parents[2] / "services" / "gateway" / "web" / "src" / "live" / "messages.ts"

OF_THE_LINE = {"connected", "reset", "pending_changes_state"}
"""Messages that no event becomes: they are about the connection, or a state."""

INTERFACE = re.compile(r"^export interface LiveMessages \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"^  (\w+): ", re.MULTILINE)


def test_the_client_knows_each_message_by_its_name() -> None:
    told = {message.name for name in NAMES for line in lines(name) for message in expand(decode(line))}
    declared = INTERFACE.search(MESSAGES.read_text(encoding="utf-8"))

    assert declared is not None
    assert set(NAME.findall(declared[1])) == told | OF_THE_LINE
