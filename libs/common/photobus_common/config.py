"""All settings of photobus, from ``photobus.yaml`` and the environment (``PHOTOBUS_<SECTION>__<KEY>``).

The environment wins over the file, the file over the defaults below. Every error is reported at once, with the name of
its key. ``docs/configuration.md`` lists every key; a test holds the two together. The keys of the jobs overview keep
their names under ``pipeline``.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import YamlConfigSettingsSource

from photobus_common.errors import ConfigurationError
from photobus_common.job_types import JOB_TYPES

MAX_ITEMS: Final = 2000
"""Most explicit items of a request and most items of a job (jobs overview, Payload Limits)."""

MAX_INTERVAL: Final = 366 * 86_400
"""Longest interval of a schedule, in seconds."""

SCHEDULED_TASKS: Final = ("maintenance_global", "project_scavenge_global", "folder_discovery", "integrity_check")
"""Tasks that begin by themselves; so are their schedules called."""

PhotoKind = Literal["jpg", "raw", "other"]

ACCEPTED_FILES: Final[Mapping[PhotoKind, tuple[str, ...]]] = {
    "jpg": ("jpg", "jpeg"),
    "raw": (
        *("raw", "cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "dng", "raf", "orf", "rw2", "pef", "srw"),
        *("3fr", "fff", "iiq", "rwl", "x3f", "erf", "mef", "mos", "kdc", "dcr"),
    ),
    "other": ("png", "tif", "tiff", "webp", "heic", "heif", "avif", "gif"),
}


def _number(given: Any) -> Any:
    """Read what the environment gives as text: pydantic compares it with the words of a ``Literal`` as it stands."""
    return int(given) if isinstance(given, str) and given.isdecimal() else given


class Section(BaseModel):
    """Base of one section of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nats(Section):
    """The broker. ``url`` names one server, or several of one cluster, separated by commas."""

    url: str = "nats://127.0.0.1:4222"
    user: str | None = None
    password: str | None = None
    connect_timeout_seconds: float = Field(default=5.0, gt=0)


class Postgres(Section):
    """The database. ``pool_size`` is the most connections one process holds."""

    dsn: str = "postgresql://photobus@127.0.0.1:5432/photobus"
    pool_size: int = Field(default=8, ge=2, le=200)
    command_timeout_seconds: float = Field(default=60.0, gt=0)


class Events(Section):
    """The log. ``max_age_days`` 0 keeps events in the broker for ever; ``replicas`` is for a cluster."""

    max_age_days: int = Field(default=30, ge=0)
    replicas: Annotated[Literal[1, 3, 5], BeforeValidator(_number)] = 1
    duplicate_window_seconds: int = Field(default=120, ge=10)
    first_seq_gap: int = Field(default=1_000_000, ge=1)
    relay_after_seconds: float = Field(default=2.0, gt=0)


class Library(Section):
    """Where photos lie. ``root`` holds one ``user_<n>/`` folder a tenant."""

    root: Path = Path("data/library")
    unique_names: Literal["library", "project"] = "library"


class Pipeline(Section):
    """Jobs: lanes, slots, leases, retries (jobs overview, Configuration)."""

    max_parallel_jobs: int = Field(default=16, ge=1, le=256)
    priority_lane_slots: int = Field(default=2, ge=0)
    priority_threshold: int = Field(default=90, ge=0, le=100)
    heartbeat_ms: int = Field(default=5_000, ge=50)
    stale_seconds: float = Field(default=30.0, ge=0.2)
    max_attempts_default: int = Field(default=5, ge=1, le=100)
    retry_base_seconds: float = Field(default=2.0, gt=0)
    retry_cap_seconds: float = Field(default=300.0, gt=0)
    max_jobs_in_flight: int = Field(default=8, ge=1, le=1000)
    bulk_items: int = Field(default=200, ge=1)
    bulk_priority: int = Field(default=70, ge=0, le=100)
    rescue_after_seconds: float = Field(default=60.0, gt=0)
    rescue_every_seconds: float = Field(default=15.0, gt=0)
    drain_seconds: float = Field(default=10.0, ge=0)

    @model_validator(mode="after")
    def _lease_outlives_heartbeats(self) -> Self:
        if self.heartbeat_ms > self.stale_seconds * 1000 / 3:
            raise ValueError("heartbeat_ms must be at most a third of stale_seconds")
        if self.priority_lane_slots >= self.max_parallel_jobs:
            raise ValueError("priority_lane_slots must be less than max_parallel_jobs")
        if self.bulk_priority >= self.priority_threshold:
            raise ValueError("bulk_priority must be below priority_threshold")
        return self


class Jobs(Section):
    """How jobs are cut. ``size`` holds the number of items of one job by job type; others take ``default_size``."""

    default_size: int = Field(default=500, ge=1, le=MAX_ITEMS)
    size: dict[str, int] = Field(
        default_factory=lambda: {"upload_postprocess": 200, "generate_derivatives": 200},
    )

    @field_validator("size")
    @classmethod
    def _known_and_bounded(cls, size: dict[str, int]) -> dict[str, int]:
        for job_type, items in size.items():
            if job_type not in JOB_TYPES:
                raise ValueError(f"unknown job type {job_type!r}")
            if not 1 <= items <= MAX_ITEMS:
                raise ValueError(f"{job_type}: {items} is not between 1 and {MAX_ITEMS}")
        return size

    def size_of(self, job_type: str) -> int:
        """Items of one job of ``job_type``."""
        return self.size.get(job_type, self.default_size)


class Processing(Section):
    """Making derivatives. Sizes are of the longest side in pixels; ``worker_count`` 0 means one child a core."""

    worker_count: int = Field(default=0, ge=0, le=256)
    thumbnail_px: int = Field(default=400, ge=16, le=4096)
    preview_px: int = Field(default=2048, ge=64, le=16384)
    format: Literal["jpeg", "webp"] = "jpeg"
    quality: int = Field(default=80, ge=1, le=100)
    progressive: bool = True
    pixel_limit: int = Field(default=250_000_000, ge=1_000_000)
    memory_limit_mb: int = Field(default=448, ge=128)
    time_limit_seconds: float = Field(default=60.0, gt=0)

    @property
    def children(self) -> int:
        """Number of child processes of the pool."""
        return self.worker_count or os.cpu_count() or 1


class Uploader(Section):
    """Uploads. ``accepted_files`` are extensions without the dot, by kind, in lower case."""

    accepted_files: dict[PhotoKind, tuple[str, ...]] = Field(default_factory=lambda: dict(ACCEPTED_FILES))
    sidecars: tuple[str, ...] = ("xmp",)
    max_file_bytes: int = Field(default=4 * 1024**3, ge=1)
    request_files: int = Field(default=5000, ge=1, le=100_000)
    stall_seconds: float = Field(default=60.0, gt=0)
    batch_seconds: float = Field(default=2.0, gt=0)
    batch_files: int = Field(default=200, ge=1, le=MAX_ITEMS)
    expire_hours: float = Field(default=24.0, gt=0)


class Gateway(Section):
    """HTTP. ``max_body_bytes`` bounds JSON bodies; ``reuse_port`` lets several gateways share one port.

    ``web_client`` is the folder of the built client, by default that of the checkout.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    reuse_port: bool = False
    max_body_bytes: int = Field(default=1024**2, ge=1024)
    page_limit: int = Field(default=500, ge=1, le=MAX_ITEMS)
    idempotency_hours: float = Field(default=24.0, gt=0)
    secure_cookie: bool = False
    web_client: Path | None = None


class RateLimits(Section):
    """How often one address may commit, revert or rename: ``requests`` of each within ``window_seconds``.

    ``trusted_proxies`` are networks whose word on who calls (X-Forwarded-For) is believed.
    """

    requests: int = Field(default=10, ge=1, le=1000)
    window_seconds: float = Field(default=300.0, gt=0)
    trusted_proxies: tuple[str, ...] = ()

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ip_network(network)
        return networks


class Sse(Section):
    """Live updates. ``ring_events`` and ``ring_bytes`` bound what a gateway keeps for slow and returning clients."""

    ring_events: int = Field(default=20_000, ge=100)
    ring_bytes: int = Field(default=32 * 1024**2, ge=1024**2)
    archive_bound: int = Field(default=20_000, ge=0)
    keepalive_seconds: float = Field(default=15.0, gt=0)
    stall_seconds: float = Field(default=20.0, gt=0)
    max_clients: int = Field(default=5_000, ge=1)


class Maintenance(Section):
    """Reconciliation. A file younger than ``settle_seconds`` may still be being written and is passed over.

    A check that finds files gone of at least ``removal_photos`` photos, and of more than ``removal_share`` of those it
    looked at or of their project, changes nothing. Files of no accepted type go to the trash, or are only reported, as
    ``stray_files`` says, by default the former. What lies in the trash is deleted after ``trash_hours``. Scheduled
    checks pass over folders that look unchanged, for at most ``full_pass_hours``. A project is archived when its folder
    was gone in two runs at least ``orphan_hours`` apart. A photo none of whose files was there for ``missing_days`` is
    removed by any cleaning.
    """

    settle_seconds: float = Field(default=10.0, ge=0)
    removal_share: float = Field(default=0.3, ge=0, le=1)
    removal_photos: int = Field(default=20, ge=1)
    stray_files: Literal["trash", "report"] | None = None
    trash_hours: float = Field(default=24.0, gt=0)
    full_pass_hours: float = Field(default=24.0, ge=0)
    orphan_hours: float = Field(default=1.0, ge=0)
    missing_days: float = Field(default=30.0, gt=0)
    integrity_bytes_per_second: int = Field(default=0, ge=0)
    report_days: float = Field(default=90.0, gt=0)
    lock_wait_seconds: float = Field(default=2.0, ge=0)


class Schedules(Section):
    """When tasks begin by themselves. The intervals are those that a tenant's schedules are made with.

    An interval that a person sets is at least ``least_seconds``. A run that takes longer than ``deadline_hours``, and
    longer than the interval, is asked to stop. A tick that did not come ``late_seconds`` after it was due is made up.
    """

    maintenance_global_seconds: int = Field(default=3600, ge=1, le=MAX_INTERVAL)
    project_scavenge_global_seconds: int = Field(default=3600, ge=1, le=MAX_INTERVAL)
    folder_discovery_seconds: int = Field(default=300, ge=1, le=MAX_INTERVAL)
    integrity_check_seconds: int = Field(default=604_800, ge=1, le=MAX_INTERVAL)
    least_seconds: int = Field(default=60, ge=1, le=3600)
    deadline_hours: float = Field(default=24.0, gt=0, le=MAX_INTERVAL / 3600)
    late_seconds: float = Field(default=10.0, gt=0)

    @property
    def intervals(self) -> dict[str, int]:
        """Seconds between two runs, by task type."""
        suffix = "_seconds"
        every = (name for name in type(self).model_fields if name.removesuffix(suffix) in SCHEDULED_TASKS)
        return {name.removesuffix(suffix): getattr(self, name) for name in every}

    @model_validator(mode="after")
    def _not_below_the_least(self) -> Self:
        for task_type, seconds in self.intervals.items():
            if seconds < self.least_seconds:
                raise ValueError(f"{task_type}_seconds must be at least least_seconds, {self.least_seconds}")
        return self


class Filemover(Section):
    """Moving and removing files. What a dead worker left on record is looked for every ``finish_every_seconds``."""

    lock_wait_seconds: float = Field(default=2.0, ge=0)
    finish_every_seconds: float = Field(default=15.0, gt=0)


class Health(Section):
    """``/healthz``, ``/readyz`` and ``/metrics`` of the services without HTTP of their own; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)


class Logging(Section):
    """Logs go to standard output."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Settings(BaseSettings):
    """The whole of ``photobus.yaml``."""

    model_config = SettingsConfigDict(
        env_prefix="PHOTOBUS_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    nats: Nats = Nats()
    postgres: Postgres = Postgres()
    events: Events = Events()
    library: Library = Library()
    pipeline: Pipeline = Pipeline()
    jobs: Jobs = Jobs()
    processing: Processing = Processing()
    uploader: Uploader = Uploader()
    gateway: Gateway = Gateway()
    rate_limits: RateLimits = RateLimits()
    sse: Sse = Sse()
    maintenance: Maintenance = Maintenance()
    schedules: Schedules = Schedules()
    filemover: Filemover = Filemover()
    health: Health = Health()
    logging: Logging = Logging()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file named by ``PHOTOBUS_CONFIG`` (default ``photobus.yaml``)."""
        del dotenv_settings, file_secret_settings
        path = os.environ.get("PHOTOBUS_CONFIG", "photobus.yaml")
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=path)


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings; raises ``ConfigurationError`` that names every wrong key, one a line."""
    named = os.environ.get("PHOTOBUS_CONFIG")
    if named is not None and not Path(named).is_file():
        raise ConfigurationError(f"PHOTOBUS_CONFIG names {named}, which is not a file.")
    try:
        return Settings(**(overrides or {}))
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ConfigurationError("The settings are wrong:\n  " + "\n  ".join(lines)) from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{named or 'photobus.yaml'} is not YAML: {error}") from error
