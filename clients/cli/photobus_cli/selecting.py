"""Which photos a command is about, as its options say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from photobus_cli.errors import CommandError
from photobus_client import Selection

PhotoIds = Annotated[list[int] | None, typer.Option("--photo", help="Id of a photo; give it again for each.")]
Folders = Annotated[list[str] | None, typer.Option("--project", help="Folder of a project; give it again for each.")]
Conditions = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="KEY=VALUE",
        help="What photos have to match, as in GET /api/photos, such as tags=sea; give it again for each.",
    ),
]

_LISTS: Final = frozenset({"tags", "project_folders"})
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True)
class Chosen:
    """What the options say; ``None`` and empty are the same."""

    photo_ids: Sequence[int] | None
    folders: Sequence[str] | None
    conditions: Sequence[str] | None

    def selection(self) -> Selection:
        """Return it, or nothing if there are no options; raises ``CommandError`` where they do not fit."""
        if sum(map(bool, (self.photo_ids, self.folders, self.conditions))) > 1:
            raise CommandError("give only one of --photo, --project and --filter (which has the key project_folder).")
        return Selection(self.photo_ids or None, self.folders or None, filters(self.conditions or ()) or None)

    def something(self) -> Selection:
        """Return it; raises ``CommandError`` also when there are no options."""
        which = self.selection()
        if which == Selection():
            raise CommandError("say which photos: give --photo, --project or --filter.")
        return which


def filters(given: Sequence[str]) -> dict[str, Any]:
    """Return the filter of ``key=value`` pairs; photobus says which keys and values there are."""
    found: dict[str, Any] = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise CommandError(f"--filter {pair}: give it as KEY=VALUE.")
        if key in _LISTS:
            found.setdefault(key, []).append(value)
        elif key in found:
            raise CommandError(f"--filter {key}: is given more than once.")
        else:
            found[key] = _FLAGS.get(value, value) if key == "pending_deletion" else value
    return found
