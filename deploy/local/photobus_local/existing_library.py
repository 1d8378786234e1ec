"""A library that was there before photobus: marked as one by its owner's word, and known again by its marks.

Nothing but the marks is written here, and none is ever replaced: which folder is the library cannot be told from what
lies in it, for the empty place of an absent mount looks like a new one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from photobus_common.errors import ConfigurationError, PhotobusError
from photobus_common.storage.errors import NameTakenError
from photobus_common.storage.library import SENTINEL, Library

FIRST_TENANT: Final = "user_0"

_NOTHING: Final = frozenset({"lost+found"})
"""What a file system has in it before anybody puts anything there; hidden names count as nothing too."""


@dataclass(frozen=True)
class Marked:
    """What became of the folder of one tenant: it is the library ``library_id``, ``new`` if nobody had said so before.

    Without an id it was left as it is, for the reason that ``refusal`` gives.
    """

    tenant: str
    library_id: UUID | None
    new: bool = False
    refusal: str = ""


def init(root: Path) -> list[Marked]:
    """Mark each ``user_<n>/`` of ``root`` that has no mark; make ``user_0`` where there is nothing at all.

    Raises ``ConfigurationError`` for what is no folder, or holds something and no ``user_<n>/``.
    """
    library = Library(root)
    _make(root)
    found = _tenants(library)
    if not found:
        _refuse_unless_empty(root)
        return [_mark_new(library)]
    return [_mark(library, tenant) for tenant in found]


def marks(root: Path, *, known: bool) -> dict[str, UUID]:
    """Return the tenants of the library with the ids that their folders say.

    Raises ``ConfigurationError`` for a folder that has none, or that photobus may not work in. If the library is
    ``known`` from before it is more likely to be away than to be new.
    """
    library = Library(root)
    found = {tenant: _read(library, tenant) for tenant in _tenants(library)}
    ids = {tenant: library_id for tenant, library_id in found.items() if library_id is not None}
    if not ids and known:
        raise ConfigurationError(f"The library that was in {root} is not there; is it mounted?")
    if not ids:
        raise ConfigurationError(f"{root} is no library yet. If it is to be one: photobus library init {root}")
    for tenant in ids:
        _refuse_if_closed(root / tenant)
    return ids


def refuse_if_another(data: Path, root: Path, found: Mapping[str, UUID], bound: Mapping[str, UUID]) -> None:
    """Raise ``ConfigurationError`` when the database, by its tenants ``bound``, is that of another library."""
    differing = [tenant for tenant, library_id in bound.items() if found.get(tenant, library_id) != library_id]
    if differing or (bound and not bound.keys() & found.keys()):
        raise ConfigurationError(
            f"The data folder {data} is that of another library than {root}; choose another folder with PHOTOBUS_DATA."
        )


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigurationError(f"{root} is not a folder.") from error
    except OSError as error:
        raise ConfigurationError(f"{root} cannot be made: {error.strerror}.") from error


def _tenants(library: Library) -> list[str]:
    root = library.root
    if root.exists() and not root.is_dir():
        raise ConfigurationError(f"{root} is not a folder.")
    try:
        return list(library.tenants())
    except PhotobusError as error:
        raise ConfigurationError(f"The library {root} cannot be read: {_reason(error)}.") from error


def _refuse_unless_empty(root: Path) -> None:
    names = sorted(name for name in os.listdir(root) if not name.startswith(".") and name not in _NOTHING)  # noqa: PTH208 - names alone
    if names:
        raise ConfigurationError(
            f"{root} holds no user_<n>/ but {os.fsencode(names[0]).decode(errors='replace')}. A library is a folder "
            f"with a folder for each user in it: put what is to be photos into {root / FIRST_TENANT}/, a folder each "
            "project, and say it again."
        )


def _mark_new(library: Library) -> Marked:
    library_id = uuid4()
    try:
        library.init_tenant(FIRST_TENANT, library_id)
    except PhotobusError as error:
        raise ConfigurationError(f"{library.root / FIRST_TENANT} cannot be made: {_reason(error)}.") from error
    return Marked(FIRST_TENANT, library_id, new=True)


def _mark(library: Library, tenant: str) -> Marked:
    try:
        known = _read(library, tenant)
        if known is not None:
            return Marked(tenant, known)
        library_id = uuid4()
        library.init_tenant(tenant, library_id, adopt=True)
    except NameTakenError:  # somebody else has just marked it
        return Marked(tenant, _read(library, tenant))
    except PhotobusError as error:
        return Marked(tenant, None, refusal=_reason(error))
    return Marked(tenant, library_id, new=True)


def _read(library: Library, tenant: str) -> UUID | None:
    if (library.root / tenant).is_symlink():
        raise ConfigurationError(f"{tenant} is a link, and photobus follows none; mount or move the folder there.")
    try:
        return library.library_id(tenant)
    except ConfigurationError:
        raise
    except PhotobusError as error:
        raise ConfigurationError(f"{library.root / tenant}/{SENTINEL} cannot be read: {_reason(error)}.") from error


def _refuse_if_closed(folder: Path) -> None:
    """Raise for a folder that may only be read: photobus keeps derivatives, trash and manifests beside the photos."""
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise ConfigurationError(f"{folder} may not be written to by the user that photobus runs as.")


def _reason(error: PhotobusError) -> str:
    """Return the system's own word where there is one."""
    cause = error.__cause__
    return (cause.strerror if isinstance(cause, OSError) else None) or error.public_message.rstrip(".")
