"""The AsyncAPI 3.0 document of the log and the commands, made from the models that are stored and sent.

``python -m photobus_common.events.asyncapi [PATH]`` writes it, by default to ``docs/asyncapi.json``; a test holds the
committed one against the models.
"""

import json
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from photobus_common.commands import RunJob
from photobus_common.events.access import AccessEvent
from photobus_common.events.catalogue import CATALOGUE
from photobus_common.events.envelope import EventData
from photobus_common.events.projects import ProjectEvent
from photobus_common.events.schedules import ScheduleEvent
from photobus_common.events.tasks import TaskEvent
from photobus_common.job_types import JOB_TYPES
from photobus_common.subjects import COMMAND_STREAMS, EVENTS_STREAM, LANES

ASYNCAPI: Final = "3.0.0"
DEFAULT_PATH: Final = Path("docs/asyncapi.json")

_SCHEMAS: Final = "#/components/schemas/"
_MESSAGES: Final = "#/components/messages/"
_TENANT: Final = {"description": "The tenant, such as `user_0`."}

_ENVELOPE: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A CloudEvents 1.0 document: what happened, when, by whom, for which task and because of what.",
    "required": [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "schemaversion",
        "tenant",
        "actor",
        "data",
    ],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid", "description": "Of the event; a repeat has the same one."},
        "source": {"type": "string", "description": "The service that said it, such as `/gateway`."},
        "type": {"type": "string", "description": "A stable word for what happened."},
        "subject": {"type": "string", "description": "Where in the log it stands."},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "schemaversion": {"type": "integer", "minimum": 1, "description": "Counts the changes of this type's data."},
        "tenant": {"type": "string"},
        "actor": {"type": "string", "description": "Who asked for what led to it."},
        "correlationid": {"type": "string", "format": "uuid", "description": "The task that it belongs to."},
        "causationid": {"type": "string", "format": "uuid", "description": "The event that led to it."},
        "traceparent": {"type": "string", "description": "W3C trace context."},
        "data": {"type": "object"},
    },
}


@dataclass(frozen=True)
class Family:
    """The events of one kind of subject; ``address`` has its parameters in braces."""

    name: str
    base: type[EventData]
    address: str
    title: str
    description: str
    parameters: dict[str, Any]


FAMILIES: Final = (
    Family(
        "tasks",
        TaskEvent,
        "evt.{tenant}.task.{task_type}",
        "Tasks and their jobs",
        "What is asked for, decided and done: from the request of a task to its end.",
        {"tenant": _TENANT, "task_type": {"description": "A key of `task_definitions.yaml`."}},
    ),
    Family(
        "projects",
        ProjectEvent,
        "evt.{tenant}.project.{project_id}",
        "Projects and their photos",
        "What changed in one project; photos come in batches, each with its row's version after the change.",
        {"tenant": _TENANT, "project_id": {"description": "The id of the project, a whole number."}},
    ),
    Family(
        "schedules",
        ScheduleEvent,
        "evt.{tenant}.schedule",
        "Schedules",
        "When tasks begin by themselves, and which did not.",
        {"tenant": _TENANT},
    ),
    Family(
        "access",
        AccessEvent,
        "evt.{tenant}.access",
        "Access",
        "Changes of who may do what.",
        {"tenant": _TENANT},
    ),
)


def build() -> dict[str, Any]:
    """Return the document."""
    models: list[type[BaseModel]] = [*CATALOGUE.values(), RunJob]
    _, definitions = models_json_schema([(model, "validation") for model in models], ref_template=_SCHEMAS + "{model}")
    events = {word: _event_message(model) for word, model in CATALOGUE.items()}
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "photobus",
            "version": version("photobus-common"),
            "description": "The log of photobus and the commands to its workers, on NATS JetStream.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "127.0.0.1:4222",
                "protocol": "nats",
                "description": "A NATS server with JetStream; the setting `nats.url` names another.",
            }
        },
        "channels": {**{family.name: _event_channel(family) for family in FAMILIES}, "commands": _command_channel()},
        "operations": {
            **{f"tell_of_{family.name}": _sends(family.name) for family in FAMILIES},
            **_command_operations(),
        },
        "components": {
            "messages": {**events, RunJob.__name__: _command_message()},
            "schemas": {"CloudEvent": _ENVELOPE, **_plain(definitions["$defs"])},
        },
    }


def render() -> str:
    """Return the document as it is kept in a file."""
    return json.dumps(build(), indent=2, ensure_ascii=False) + "\n"


def _event_channel(family: Family) -> dict[str, Any]:
    words = [word for word, model in CATALOGUE.items() if issubclass(model, family.base)]
    return {
        "address": family.address,
        "title": family.title,
        "description": f"{family.description} In the stream {EVENTS_STREAM}.",
        "parameters": family.parameters,
        "messages": {word: {"$ref": _MESSAGES + word} for word in words},
    }


def _event_message(model: type[EventData]) -> dict[str, Any]:
    says = {
        "type": {"const": model.TYPE},
        "schemaversion": {"const": model.VERSION},
        "data": {"$ref": _SCHEMAS + model.__name__},
    }
    return {
        "name": model.TYPE,
        "title": model.TYPE,
        "summary": _words(model.__doc__),
        "contentType": "application/cloudevents+json",
        "headers": _message_id("The event's id, by which the broker drops repeats."),
        "payload": {"allOf": [{"$ref": _SCHEMAS + "CloudEvent"}, {"type": "object", "properties": says}]},
    }


def _command_channel() -> dict[str, Any]:
    streams = " or ".join(COMMAND_STREAMS[lane] for lane in LANES)
    services = sorted({job_type.service for job_type in JOB_TYPES.values()})
    return {
        "address": "cmd.{lane}.{service}.{job_type}",
        "title": "Commands",
        "description": f"Requests to run one dispatch of one job, in the work queue {streams}.",
        "parameters": {
            "lane": {"enum": list(LANES)},
            "service": {"enum": services, "description": "The service whose workers run the job type."},
            "job_type": {"enum": sorted(JOB_TYPES)},
        },
        "messages": {RunJob.__name__: {"$ref": _MESSAGES + RunJob.__name__}},
    }


def _command_message() -> dict[str, Any]:
    return {
        "name": RunJob.__name__,
        "title": RunJob.__name__,
        "summary": _words(RunJob.__doc__),
        "headers": _message_id("`<job>:<attempt>:<dispatch>`, never the same for two dispatches."),
        "payload": {"$ref": _SCHEMAS + RunJob.__name__},
    }


def _command_operations() -> dict[str, Any]:
    command = _sends("commands")
    return {"command_jobs": command, "run_jobs": {**command, "action": "receive"}}


def _sends(channel: str) -> dict[str, Any]:
    return {"action": "send", "channel": {"$ref": f"#/channels/{channel}"}}


def _message_id(description: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"Nats-Msg-Id": {"type": "string", "description": description}}}


def _plain(schema: Any) -> Any:
    """Return ``schema`` with its descriptions, which are docstrings, as running text in Markdown."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _words(value) if key == "description" and isinstance(value, str) else _plain(value)
        for key, value in schema.items()
    }


def _words(docstring: str | None) -> str:
    return " ".join((docstring or "").replace("``", "`").split())


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_PATH
    path.write_text(render(), encoding="utf-8")
