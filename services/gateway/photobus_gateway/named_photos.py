"""Photos that a caller names anywhere in the library: exactly one for each name, or an error that says why not."""

from collections.abc import Mapping, Sequence

from photobus_common.config import Uploader
from photobus_common.errors import FieldError, InvalidInputError
from photobus_common.photos import filenames
from photobus_common.photos.filenames import ParsedName
from photobus_common.store import photo_names
from photobus_common.store.database import Connection
from photobus_common.store.photo_names import PlacedPhoto
from photobus_gateway.new_tasks import NAMED, unknown_targets


async def named_photos(
    connection: Connection,
    tenant: str,
    names: Sequence[str],
    uploader: Uploader,
    field: str,
    here: int | None = None,
) -> dict[str, PlacedPhoto]:
    """Return the photo that each of ``names`` means, by its basename or by that of one of its files.

    Where several have a name it is the one in the project ``here``. Raises ``NotFoundError`` for names that nobody has,
    ``InvalidInputError`` for those that photos of several projects have, naming these.
    """
    basenames = {name: _basename(name, uploader) for name in dict.fromkeys(names)}
    found = await photo_names.places_of_names(connection, tenant, basenames)
    unknown = [name for name, photos in found.items() if not photos]
    if unknown:
        raise unknown_targets("filenames", field, unknown)
    chosen = {name: [photo for photo in photos if photo.project_id == here] or photos for name, photos in found.items()}
    _refuse_ambiguous(chosen, field)
    return {name: photos[0] for name, photos in chosen.items()}


def _refuse_ambiguous(found: Mapping[str, Sequence[PlacedPhoto]], field: str) -> None:
    for name, photos in found.items():
        if len(photos) > 1:
            folders = list(dict.fromkeys(photo.project_folder for photo in photos))
            more = f" and {len(folders) - NAMED} more" if len(folders) > NAMED else ""
            message = f"{name} is the name of several photos, in {', '.join(folders[:NAMED])}{more}; give its photo_id"
            raise InvalidInputError(f"{field}: {message}", fields=(FieldError(field, message),))


def _basename(name: str, uploader: Uploader) -> str:
    parsed = filenames.parse(name, uploader)
    return parsed.basename if isinstance(parsed, ParsedName) else name
