"""``photobus token create | list | revoke``: who may do what."""

from typing import Annotated, Literal
from uuid import UUID

import typer

from photobus_cli.connection import Address, Token, client
from photobus_cli.errors import run
from photobus_cli.output import age, print_table

app = typer.Typer(help="API tokens: make, list, revoke.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    role: Annotated[Literal["viewer", "editor", "admin"], typer.Option(help="What it may do.")] = "editor",
    address: Address = None,
    token: Token = None,
) -> None:
    """Make a token and print its secret, this once."""
    run(_create(address, token, name, role))


@app.command("list")
def list_all(address: Address = None, token: Token = None) -> None:
    """List all tokens, revoked ones included."""
    run(_list(address, token))


@app.command()
def revoke(
    token_id: Annotated[UUID, typer.Argument(help="Id of the token.")],
    address: Address = None,
    token: Token = None,
) -> None:
    """Make a token open nothing any more."""
    run(_revoke(address, token, token_id))


async def _create(
    address: str | None, token: str | None, name: str, role: Literal["viewer", "editor", "admin"]
) -> None:
    async with client(address, token) as photobus:
        created = await photobus.create_token(name, role)
    typer.echo(created.token)


async def _list(address: str | None, token: str | None) -> None:
    async with client(address, token) as photobus:
        tokens = await photobus.tokens()
    print_table(
        ("id", "name", "role", "made", "revoked"),
        ((str(t.id), t.name, t.role, age(t.created_at), age(t.revoked_at) if t.revoked_at else "") for t in tokens),
    )


async def _revoke(address: str | None, token: str | None, token_id: UUID) -> None:
    async with client(address, token) as photobus:
        await photobus.revoke_token(token_id)
