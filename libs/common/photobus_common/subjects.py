"""Names of streams, subjects and consumers. Their number is bounded: by tenants, task types, projects and job types."""

from typing import Final, Literal

Lane = Literal["priority", "normal"]
LANES: Final[tuple[Lane, ...]] = ("priority", "normal")

EVENTS_STREAM: Final = "EVENTS"
EVENTS_SUBJECTS: Final = "evt.>"
COMMAND_STREAMS: Final[dict[Lane, str]] = {"priority": "COMMANDS_PRIORITY", "normal": "COMMANDS_NORMAL"}
SCHEDULES_STREAM: Final = "SCHEDULES"
SCHEDULES_SUBJECTS: Final = "schedule.>"
SCHEDULE_MESSAGES: Final = "schedule.plan.>"
TICKS_CONSUMER: Final = "ticks"
TICKS_SUBJECTS: Final = "schedule.tick.>"


def task_subject(tenant: str, task_type: str) -> str:
    """Where the events of a task go."""
    return f"evt.{tenant}.task.{task_type}"


def project_subject(tenant: str, project_id: int) -> str:
    """Where what happens to a project and its photos goes."""
    return f"evt.{tenant}.project.{project_id}"


def access_subject(tenant: str) -> str:
    """Where changes of tokens and roles go."""
    return f"evt.{tenant}.access"


def schedule_subject(tenant: str) -> str:
    """Where changes of schedules go, and what they did not start."""
    return f"evt.{tenant}.schedule"


def plan_subject(tenant: str, name: str) -> str:
    """Where the message of one schedule lies, by which the broker makes its ticks."""
    return f"schedule.plan.{tenant}.{name}"


def tick_subject(tenant: str, name: str) -> str:
    """Where the ticks of one schedule go."""
    return f"schedule.tick.{tenant}.{name}"


def command_subject(lane: Lane, service: str, job_type: str) -> str:
    """Where commands to run one job type in one lane go."""
    return f"cmd.{lane}.{service}.{job_type}"


def command_stream_subjects(lane: Lane) -> str:
    """All commands of one lane, as the subject filter of its stream."""
    return f"cmd.{lane}.>"


def command_consumer(lane: Lane, job_type: str) -> str:
    """Name of the durable pull consumer of one job type in one lane."""
    return f"{lane}-{job_type}"


def lane_of(priority: int, threshold: int) -> Lane:
    """Priority lane at or above ``pipeline.priority_threshold`` (jobs overview, Pipeline Architecture)."""
    return "priority" if priority >= threshold else "normal"
