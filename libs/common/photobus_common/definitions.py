"""Task definitions: which steps a task runs, read from ``task_definitions.yaml`` and checked before anything starts.

The orchestrator plans by them and the gateway answers and refuses by them, so they stand here and not in either. What
is wrong is reported all at once, each error with the file and line it is about.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints, ValidationError, model_validator

from photobus_common.errors import ConfigurationError
from photobus_common.events.parts import Scope
from photobus_common.job_types import JOB_TYPES, Service, Unit

_OWN_FILE: Final = "task_definitions.yaml"

TaskType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$")]
"""A task type is a word of the log's subjects, so it is kept to what they can hold."""


class StepDefinition(BaseModel):
    """One step: jobs of ``type`` over the units that ``over`` names, commanded with ``priority`` (0 to 100)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    type: str
    priority: int = Field(ge=0, le=100)
    over: Unit

    @model_validator(mode="after")
    def _known_and_fitting(self) -> Self:
        job_type = JOB_TYPES.get(self.type)
        if job_type is None:
            raise ValueError(f"unknown job type {self.type!r}")
        if self.over not in job_type.units:
            raise ValueError(f"{self.type} does not work over {self.over}, only over {_listed(job_type.units)}")
        return self

    @property
    def service(self) -> Service:
        """The service that runs the step."""
        return JOB_TYPES[self.type].service

    @property
    def provided(self) -> bool:
        """Whether a service of this version runs the step."""
        return JOB_TYPES[self.type].provided


class _Entry(BaseModel):
    """A task definition as it stands in the file, below its name."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    label: str = Field(min_length=1)
    user_relevant: bool
    scope: Scope
    cancelable: bool = True
    steps: tuple[StepDefinition, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _within_scope(self) -> Self:
        if not self.steps:
            raise ValueError("a task needs at least one step")
        for number, step in enumerate(self.steps, start=1):
            if step.over == "library" and self.scope != "global":
                raise ValueError(f"step {number} is over the library, which scope {self.scope} does not cover")
        return self


class _File(RootModel[dict[TaskType, _Entry]]):
    """The whole file: definitions by task type."""


class TaskDefinition(_Entry):
    """What the task ``type`` is and does."""

    type: str

    @property
    def missing_job_types(self) -> tuple[str, ...]:
        """The job types of its steps that no service of this version runs; not empty: the task is refused."""
        return tuple(dict.fromkeys(step.type for step in self.steps if not step.provided))

    @property
    def is_upkeep(self) -> bool:
        """Whether it does nothing but look after files and rows: a run of maintenance, which leaves a report."""
        return all(step.service == "maintenance" and step.type != "catalogue_update" for step in self.steps)

    def over(self, unit: Unit) -> bool:
        """Whether any step is over ``unit``."""
        return any(step.over == unit for step in self.steps)


class Definitions(Mapping[str, TaskDefinition]):
    """All task definitions, by type, in the order of the file."""

    def __init__(self, definitions: tuple[TaskDefinition, ...]) -> None:
        self._by_type = {definition.type: definition for definition in definitions}

    def __getitem__(self, task_type: str) -> TaskDefinition:
        return self._by_type[task_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_type)

    def __len__(self) -> int:
        return len(self._by_type)


def load_definitions(path: Path | None = None) -> Definitions:
    """Read and check the definitions in ``path``, by default those that photobus comes with.

    Raises ``ConfigurationError`` with one line an error: file, line, where in the definition, and what is wrong.
    """
    return _own_definitions() if path is None else _checked(*_text_of(path))


@cache
def _own_definitions() -> Definitions:
    return _checked(_OWN_FILE, (files("photobus_common") / _OWN_FILE).read_text(encoding="utf-8"))


def _text_of(path: Path) -> tuple[str, str]:
    try:
        return str(path), path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The task definitions {path} cannot be read: {error}") from error


def _checked(name: str, text: str) -> Definitions:
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        repeated = _repeated_keys(tree) if tree is not None else []
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name} is not YAML: {error}") from error
    if repeated:
        raise ConfigurationError(_report(name, [(node, f"{node.value!r} stands here twice") for node in repeated]))
    try:
        entries = _File.model_validate(content).root
    except ValidationError as error:
        problems = [(_node_at(tree, item["loc"]), _sentence(item)) for item in error.errors()]
        raise ConfigurationError(_report(name, problems)) from error
    return Definitions(tuple(TaskDefinition(type=word, **dict(entry)) for word, entry in entries.items()))


def _repeated_keys(node: yaml.Node) -> list[yaml.ScalarNode]:
    """Find keys that stand twice in one mapping; YAML itself would silently take the last."""
    found: list[yaml.ScalarNode] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                found += [key] if key.value in seen else []
                seen.add(key.value)
            found += _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            found += _repeated_keys(value)
    return found


def _node_at(tree: yaml.Node | None, location: tuple[int | str, ...]) -> yaml.Node | None:
    """Return the key or list entry that ``location`` names; what is missing is reported where it is missing from."""
    node, place = tree, tree
    for step in location:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if getattr(pair[0], "value", None) == step), None)
            if pair is None:
                return place
            place, node = pair
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            place = node = node.value[step]
    return place


def _sentence(item: Any) -> str:
    where = ".".join(str(step + 1 if isinstance(step, int) else step) for step in item["loc"] if step != "[key]")
    message = item["msg"].removeprefix("Value error, ")
    given = "" if isinstance(item["input"], dict | list) else f" (given: {item['input']!r})"
    return f"{where}: {message}{given}" if where else f"{message}{given}"


def _report(name: str, problems: list[tuple[yaml.Node | None, str]]) -> str:
    lines = (f"{name}, line {node.start_mark.line + 1 if node else 1}: {message}" for node, message in problems)
    return "The task definitions are wrong:\n  " + "\n  ".join(lines)


def _listed(words: frozenset[Unit]) -> str:
    return " or ".join(sorted(words))
