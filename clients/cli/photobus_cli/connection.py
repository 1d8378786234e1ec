"""Where photobus is and what opens it: given, or found in the data folder of a running local stack."""

import os
from pathlib import Path
from typing import Annotated

import typer

from photobus_cli.errors import CommandError
from photobus_client import PhotobusClient

Address = Annotated[
    str | None,
    typer.Option(envvar="PHOTOBUS_ADDRESS", help="Address of photobus; by default that of the running local stack."),
]
Token = Annotated[
    str | None,
    typer.Option(envvar="PHOTOBUS_TOKEN", help="API token; by default that of the running local stack."),
]


def client(address: str | None, token: str | None) -> PhotobusClient:
    """Make a client, not yet connected; raises ``CommandError`` when there is nothing to connect to."""
    return PhotobusClient(address or run_file("address"), token or run_file("token"))


def run_file(name: str) -> str:
    """Read what a running local stack says of itself."""
    data = Path(os.path.expanduser(os.environ.get("PHOTOBUS_DATA") or "data"))  # noqa: PTH111  # leaves ~nobody as it is
    try:
        return (data / "run" / name).read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise CommandError(
            f"no photobus runs on {data.absolute()}; start one with `photobus up`, name its folder with PHOTOBUS_DATA, "
            "or name another photobus with --address and --token.",
        ) from error
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}.") from error
