"""Confirmations as jobs leave them, for tests of what is done about them."""

from uuid import UUID, uuid4

from told import arrange

from photobus_common.store.confirmations import Question, ask_about_projects
from photobus_common.store.database import Database


async def ask_about(
    database: Database, tenant: str, project: tuple[int, str], task_id: UUID | None = None, lacking: int = 1
) -> UUID:
    """Ask whether all photos of the project (id and folder) may be removed; return the id of the confirmation."""
    project_id, folder = project
    question = Question(
        id=uuid4(),
        tenant=tenant,
        task_id=task_id or uuid4(),
        task_type="maintenance",
        job_id=uuid4(),
        job_type="manifest_check",
        project_id=project_id,
        project_folder=folder,
        reason=f"{lacking} of {lacking} photos of {folder} lack files.",
        lacking=lacking,
        photos=lacking,
    )
    async with database.transaction() as connection:
        await arrange(connection)
        await ask_about_projects(connection, question, [project_id])
    return question.id
