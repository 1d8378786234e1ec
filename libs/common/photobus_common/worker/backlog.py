"""Whether commands wait in a lane for one of this worker's slots."""

from collections.abc import Sequence

from photobus_common import logging
from photobus_common.bus.connection import Broker
from photobus_common.bus.jetstream import JetStreamError, request
from photobus_common.errors import BrokerUnavailableError
from photobus_common.subjects import COMMAND_STREAMS, Lane, command_consumer

log = logging.get_logger()


class Backlog:
    """What lies undelivered at the consumers of ``job_types``."""

    def __init__(self, broker: Broker, job_types: Sequence[str]) -> None:
        self._broker = broker
        self._job_types = tuple(job_types)

    async def waits(self, lane: Lane) -> bool:
        """Whether any command of ``lane`` waits for a slot; no, while the broker does not say."""
        try:
            for job_type in self._job_types:
                consumer = command_consumer(lane, job_type)
                info = await request(self._broker, f"CONSUMER.INFO.{COMMAND_STREAMS[lane]}.{consumer}")
                if info["num_pending"] > 0:
                    return True
        except (BrokerUnavailableError, JetStreamError) as error:
            log.warning("backlog_unknown", lane=lane, error=repr(error))
        return False
