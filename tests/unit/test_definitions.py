"""Task definitions: those that photobus comes with, and the refusal of wrong ones with file and line."""

from dataclasses import replace
from pathlib import Path

import pytest

from photobus_common.definitions import Definitions, load_definitions
from photobus_common.errors import ConfigurationError
from photobus_common.job_types import JOB_TYPES

OVERVIEW = {
    "upload_postprocess": (
        "project",
        [("upload_postprocess", 90), ("manifest_check", 95), ("folder_check", 95)],
    ),
    "change_commit": (
        "project",
        [("file_removal", 100), ("manifest_check", 95), ("folder_check", 95), ("manifest_cleaning", 80)],
    ),
    "maintenance": (
        "project",
        [("trash_maintenance", 100), ("manifest_check", 95), ("folder_check", 95), ("manifest_cleaning", 80)],
    ),
    "project_delete": (
        "project",
        [("project_stop_processes", 100), ("project_delete_files", 100), ("project_cleanup_db", 95)],
    ),
    "change_commit_all": (
        "photo_set",
        [("file_removal", 100), ("manifest_check", 95), ("folder_check", 95), ("manifest_cleaning", 80)],
    ),
    "image_move": (
        "photo_set",
        [("image_move_files", 95), ("manifest_check", 95), ("generate_derivatives", 90)],
    ),
    "maintenance_global": (
        "global",
        [
            ("trash_maintenance", 100),
            ("orphaned_project_cleanup", 99),
            ("duplicate_resolution", 98),
            ("folder_alignment", 96),
            ("manifest_check", 95),
            ("folder_check", 95),
            ("cache_validation", 85),
            ("manifest_cleaning", 80),
        ],
    ),
    "project_scavenge_global": ("global", [("project_scavenge", 100)]),
    "folder_discovery": ("global", [("folder_discovery", 95)]),
}

GOOD = """\
upload_postprocess:
  label: Process
  user_relevant: true
  scope: project
  steps:
    - {type: upload_postprocess, priority: 90, over: items}
"""


@pytest.fixture
def definitions() -> Definitions:
    return load_definitions()


@pytest.mark.parametrize("task_type", OVERVIEW)
def test_the_tasks_of_the_jobs_overview_stand_as_it_lists_them(definitions: Definitions, task_type: str) -> None:
    scope, steps = OVERVIEW[task_type]
    assert definitions[task_type].scope == scope
    assert [(step.type, step.priority) for step in definitions[task_type].steps] == steps


@pytest.mark.parametrize(
    ("task_type", "scope", "priority"),
    [
        ("project_scavenge", "project", 100),
        ("duplicate_resolution", "project", 98),
        ("folder_alignment", "project", 96),
        ("generate_derivatives", "photo_set", 90),
        ("integrity_check", "global", 50),
        ("project_integrity_check", "project", 50),
        ("cache_validation", "project", 85),
        ("regenerate_metadata", "photo_set", 90),
        ("change_revert", "photo_set", 95),
        ("keep_update", "photo_set", 95),
        ("tags_update", "photo_set", 95),
    ],
)
def test_the_single_step_tasks(definitions: Definitions, task_type: str, scope: str, priority: int) -> None:
    assert definitions[task_type].scope == scope
    assert [step.priority for step in definitions[task_type].steps] == [priority]


def test_runs_of_maintenance_do_nothing_but_look_after_the_library(definitions: Definitions) -> None:
    runs = {definition.type for definition in definitions.values() if definition.is_upkeep}
    assert runs >= {"maintenance", "maintenance_global", "folder_discovery", "integrity_check", "regenerate_metadata"}
    assert runs >= {"project_scavenge", "project_scavenge_global", "project_integrity_check", "cache_validation"}
    assert not runs & {"upload_postprocess", "change_commit", "keep_update", "tags_update", "undo", "project_delete"}


def test_undo_restores_checks_and_derives(definitions: Definitions) -> None:
    assert [(step.type, step.priority) for step in definitions["undo"].steps] == [
        ("undo_files", 95),
        ("manifest_check", 95),
        ("generate_derivatives", 90),
    ]


def test_every_job_type_of_every_definition_is_run_by_somebody(definitions: Definitions) -> None:
    assert [one.type for one in definitions.values() if one.missing_job_types] == []


def test_a_definition_says_which_of_its_job_types_nobody_runs(
    definitions: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JOB_TYPES, "trash_maintenance", replace(JOB_TYPES["trash_maintenance"], provided=False))
    assert definitions["maintenance"].missing_job_types == ("trash_maintenance",)
    assert definitions["change_commit"].missing_job_types == ()


def test_the_service_of_a_step_follows_from_its_type(definitions: Definitions) -> None:
    services = [step.service for step in definitions["upload_postprocess"].steps]
    assert services == ["derivatives", "maintenance", "maintenance"]


def test_a_task_is_over_what_any_of_its_steps_is_over(definitions: Definitions) -> None:
    commit = definitions["change_commit"]
    assert (commit.over("items"), commit.over("projects"), commit.over("library")) == (True, True, False)


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ("type: upload_postprocess", "type: make_coffee", 6, "unknown job type 'make_coffee'"),
        ("priority: 90", "priority: 101", 6, "steps.1.priority: Input should be less than or equal to 100"),
        ("priority: 90", "priority: -1", 6, "steps.1.priority: Input should be greater than or equal to 0"),
        ("priority: 90", "priority: high", 6, "steps.1.priority: Input should be a valid integer"),
        ("over: items", "over: folders", 6, "steps.1.over: Input should be 'items', 'projects' or 'library'"),
        ("over: items", "over: library", 6, "upload_postprocess does not work over library, only over items"),
        ("scope: project", "scope: projekt", 4, "scope: Input should be 'project', 'photo_set' or 'global'"),
        ("label: Process", "label: ''", 2, "label: String should have at least 1 character"),
        ("user_relevant: true", "user_relevant: 1", 3, "user_relevant: Input should be a valid boolean"),
        ("  label: Process\n", "", 1, "upload_postprocess.label: Field required"),
        ("  label:", "  colour: red\n  label:", 2, "colour: Extra inputs are not permitted"),
        ("upload_postprocess:\n", "Upload.Postprocess:\n", 1, "should match pattern"),
        ("    - {type: upload_postprocess, priority: 90, over: items}\n", "    []\n", 1, "at least one step"),
        ("type: upload_postprocess, priority: 90, over: items", "type: folder_check, priority: 9, over: library",
         1, "step 1 is over the library, which scope project does not cover"),
    ],
)  # fmt: skip
def test_a_wrong_definition_is_refused_with_its_file_and_line(
    tmp_path: Path,
    before: str,
    after: str,
    line: int,
    message: str,
) -> None:
    path = tmp_path / "tasks.yaml"
    assert before in GOOD
    path.write_text(GOOD.replace(before, after, 1))
    with pytest.raises(ConfigurationError) as refusal:
        load_definitions(path)
    assert f"{path}, line {line}: " in refusal.value.public_message
    assert message in refusal.value.public_message


def test_all_errors_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "tasks.yaml"
    path.write_text(GOOD.replace("90", "900").replace("scope: project", "scope: none"))
    with pytest.raises(ConfigurationError) as refusal:
        load_definitions(path)
    assert "line 4: " in refusal.value.public_message
    assert "line 6: " in refusal.value.public_message


def test_a_task_defined_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tasks.yaml"
    path.write_text(GOOD + GOOD)
    with pytest.raises(ConfigurationError, match="line 7: 'upload_postprocess' stands here twice"):
        load_definitions(path)


@pytest.mark.parametrize("text", ["a: [", "", "- a list\n", "just words\n"])
def test_what_is_no_mapping_of_definitions_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tasks.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"tasks\.yaml"):
        load_definitions(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_definitions(tmp_path / "none.yaml")


def test_a_well_formed_file_loads(tmp_path: Path) -> None:
    path = tmp_path / "tasks.yaml"
    path.write_text(GOOD)
    assert list(load_definitions(path)) == ["upload_postprocess"]
