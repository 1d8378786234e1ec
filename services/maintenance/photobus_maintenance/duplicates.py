"""Names for files whose basename another photo of the library has: which one they get, and which are free."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from photobus_common.errors import ConflictError
from photobus_common.photos.filenames import LONGEST_DERIVATIVE_SUFFIX, ParsedName, renamed
from photobus_common.storage.names import MAX_NAME_BYTES, shortened
from photobus_common.storage.project_folder import ProjectFolder
from photobus_common.store.database import Connection
from photobus_common.store.file_renames import taken_basenames
from photobus_common.worker.blocking import in_thread_beside

MAX_NUMBER: Final = 100_000
"""Up to which number a free name is looked for."""

_FIRST: Final = 8
"""Numbers that are asked about first; then ever more at once."""

_NUMBERED: Final = re.compile(r"_duplicate[0-9]+\Z")

Group = Sequence[ParsedName]
"""All files of one basename in one folder."""


def duplicate_basename(group: Group, base: str, number: int) -> str:
    """Return ``<base>_duplicate<number>``, the base shortened so that no name of the group is over 255 bytes."""
    suffix = f"_duplicate{number}"
    endings = [LONGEST_DERIVATIVE_SUFFIX, *(parsed.name[len(parsed.basename) :] for parsed in group)]
    longest = max(len(ending.encode()) for ending in endings)
    return shortened(base, MAX_NAME_BYTES - longest - len(suffix)) + suffix


def targets_of(group: Group, basename: str) -> tuple[str, ...]:
    """Return the names of the group's files for another basename."""
    return tuple(renamed(parsed, basename) for parsed in group)


def without_number(basename: str) -> str:
    """Return what a numbered basename was made from."""
    return _NUMBERED.sub("", basename)


async def free_basenames(
    connection: Connection, tenant: str, folder: ProjectFolder, groups: Mapping[str, Group], present: Collection[str]
) -> dict[str, str]:
    """Return for each group, by the base of its name, the first numbered basename that is free.

    That is: which no photo of the tenant has or is about to get, and no file in the folder. ``present`` are the
    basenames of all that lies there; what only the file system takes for one of these names is asked of the disk.
    """
    found: dict[str, str] = {}
    first, some = 1, _FIRST
    while len(found) < len(groups):
        if first > MAX_NUMBER:
            raise ConflictError(f"There are {MAX_NUMBER} photos of one of these names already.")
        numbers = range(first, first + some)
        left = {base: group for base, group in groups.items() if base not in found}
        wanted = {base: [duplicate_basename(group, base, number) for number in numbers] for base, group in left.items()}
        taken = await taken_basenames(connection, tenant, [name for names in wanted.values() for name in names])
        taken |= {*present, *found.values()}
        found |= await in_thread_beside(connection, _first_free, folder, left, wanted, taken)
        first, some = first + some, some * 8
    return found


def _first_free(
    folder: ProjectFolder, groups: Mapping[str, Group], wanted: Mapping[str, Sequence[str]], taken: set[str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for base, names in wanted.items():
        for name in names:
            targets = () if name in taken else targets_of(groups[base], name)
            if targets and not any(folder.taken(target) for target in targets):
                found[base] = name
                taken.add(name)
                break
    return found
