"""Streams and consumers of tests, each new for each test: those that the last test used are made anew.

To make all of them takes a hundred requests and as many files, and most tests use one or two.
"""

from typing import Any

from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import request
from photobus_common.bus.provisioning import (
    command_consumers,
    command_stream,
    differences,
    events_stream,
    schedules_stream,
    ticks_consumer,
)
from photobus_common.config import Settings
from photobus_common.subjects import LANES

Definition = dict[str, Any]


async def renew(broker: Broker, settings: Settings) -> None:
    """Bring the streams to what ``provision`` makes of a new broker."""
    wanted = _wanted(settings)
    found = {one["config"]["name"]: one for one in (await request(broker, "STREAM.LIST"))["streams"] or ()}
    for name in found.keys() - wanted.keys():
        await request(broker, f"STREAM.DELETE.{name}")
    for name, (definition, consumers) in wanted.items():
        if name in found and await _is_new(broker, found[name], definition, consumers):
            continue
        if name in found:
            await request(broker, f"STREAM.DELETE.{name}")
        await request(broker, f"STREAM.CREATE.{name}", definition)
        for consumer in consumers:
            create = f"CONSUMER.CREATE.{name}.{consumer['name']}.{consumer['filter_subject']}"
            await request(broker, create, {"stream_name": name, "config": consumer})


def _wanted(settings: Settings) -> dict[str, tuple[Definition, list[Definition]]]:
    streams = [(command_stream(settings, lane), list(command_consumers(settings, lane))) for lane in LANES]
    streams += [(events_stream(settings), []), (schedules_stream(settings), [ticks_consumer(settings)])]
    return {definition["name"]: (definition, consumers) for definition, consumers in streams}


async def _is_new(broker: Broker, found: Definition, definition: Definition, consumers: list[Definition]) -> bool:
    """Whether nothing was ever in the stream, and it and its consumers are as they should be."""
    name = definition["name"]
    if found["state"]["last_seq"] > 0 or differences(definition, found["config"]):
        return False
    listed = (await request(broker, f"CONSUMER.LIST.{name}"))["consumers"] or ()
    present = {one["name"]: one["config"] for one in listed if not one.get("paused")}
    return present.keys() == {consumer["name"] for consumer in consumers} and not any(
        differences(consumer, present[consumer["name"]]) for consumer in consumers
    )
