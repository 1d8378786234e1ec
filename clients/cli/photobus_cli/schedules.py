"""``photobus schedules list | set``: when tasks begin by themselves."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from photobus_cli.connection import Address, Token, client
from photobus_cli.errors import run
from photobus_cli.output import age, print_json, print_table
from photobus_client import Schedule

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

_LENGTH: Final = re.compile(r"(\d{1,9})([smhdw])")

app = typer.Typer(help="When tasks begin by themselves: list, set.", no_args_is_help=True)


def seconds(text: str) -> int:
    """Read a length of time such as ``90s``, ``5m``, ``1h30m``, ``7d``."""
    parts = _LENGTH.findall(text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        raise typer.BadParameter(f"{text!r} is no length of time; say 90s, 5m, 1h30m, 7d or 1w")
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def length(total: int) -> str:
    """Say a length of time in the same words."""
    words = []
    for unit, size in reversed(UNITS.items()):
        if total >= size:
            words.append(f"{total // size}{unit}")
            total %= size
    return "".join(words)


AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for scripts.")]


@app.command("list")
def list_all(
    address: Address = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """List all schedules, with the last run, the next one, and how often nothing was started."""
    run(_list(address, token, as_json=as_json))


@app.command("set")
def change(
    name: Annotated[str, typer.Argument(help="Which schedule, such as folder_discovery.")],
    every: Annotated[int | None, typer.Option(parser=seconds, metavar="TIME", help="Such as 5m, 1h30m, 7d.")] = None,
    cron: Annotated[
        str | None, typer.Option(help="Six fields in UTC: second, minute, hour, day, month, weekday (0 = Sunday).")
    ] = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable", help="Whether it starts anything.")] = None,
    deadline: Annotated[
        int | None, typer.Option(parser=seconds, metavar="TIME", help="After this time a run is asked to stop.")
    ] = None,
    address: Address = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Change a schedule; what is not said stays as it is. A new timing counts from now on."""
    if every is None and cron is None and enabled is None and deadline is None:
        raise typer.BadParameter("say what to change: --every, --cron, --enable, --disable or --deadline")
    if every is not None and cron is not None:
        raise typer.BadParameter("say --every or --cron, not both")
    run(_set(address, token, name, every, cron, enabled, deadline, as_json=as_json))


async def _list(address: str | None, token: str | None, *, as_json: bool) -> None:
    async with client(address, token) as photobus:
        schedules = await photobus.schedules.list()
    if as_json:
        print_json(schedules)
    else:
        _print(schedules)


async def _set(
    address: str | None,
    token: str | None,
    name: str,
    every: int | None,
    cron: str | None,
    enabled: bool | None,
    deadline: int | None,
    *,
    as_json: bool,
) -> None:
    async with client(address, token) as photobus:
        changed = await photobus.schedules.set(
            name, every_seconds=every, cron=cron, enabled=enabled, deadline_seconds=deadline
        )
    if as_json:
        print_json(changed)
    else:
        _print([changed])


def _print(schedules: Iterable[Schedule]) -> None:
    print_table(
        ("name", "comes", "next", "last run", "status", "deadline", "skipped"),
        (
            (
                schedule.name,
                schedule.cron or f"every {length(schedule.every_seconds or 0)}",
                _next(schedule),
                age(schedule.last_run.at) if schedule.last_run else "never",
                schedule.last_run.status if schedule.last_run else "",
                length(schedule.deadline_seconds),
                _skipped(schedule),
            )
            for schedule in schedules
        ),
    )


def _next(schedule: Schedule) -> str:
    if schedule.next_run_at is None:
        return "disabled"
    away = int((schedule.next_run_at - datetime.now(UTC)).total_seconds())
    return f"in {length(away)}" if away > 0 else "now"


def _skipped(schedule: Schedule) -> str:
    skipped = schedule.skipped
    return f"{skipped.count}, {age(skipped.last.at)}: {skipped.last.reason}" if skipped.last else str(skipped.count)
