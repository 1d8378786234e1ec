"""Which of a broker's words on its health mean that it has to be started anew: as nats-server 2.15.1 says them."""

import json

import pytest

from photobus_local.nats import is_broken

PASSING = (
    "JetStream has not established contact with a meta leader",
    "JetStream is not current with the meta leader",
    "JetStream consumer '$G > COMMANDS_PRIORITY > priority-upload_postprocess' is not current: group node unhealthy",
)
LASTING = (
    "JetStream stream '$G > EVENTS' write error: write streams/EVENTS/msgs/1.blk: no space left on device",
    "JetStream not enabled (10076)",
)
"""What a server alone says, and one of three, after its disk was full; also when there is room again."""


@pytest.mark.parametrize("error", [*PASSING, *LASTING])
def test_a_server_that_writes_nothing_more_is_told_from_one_that_is_only_late(error: str) -> None:
    assert is_broken(json.dumps({"status": "unavailable", "error": error})) == (error in LASTING)


@pytest.mark.parametrize("health", ['{"status":"ok"}', ""])
def test_a_server_that_is_well_or_does_not_answer_is_not_taken_for_one(health: str) -> None:
    assert not is_broken(health)
