"""Settings: the environment wins, every error is told at once, and wrong combinations are refused."""

from pathlib import Path

import pytest

from photobus_common.config import load_settings
from photobus_common.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_those_of_the_jobs_overview() -> None:
    settings = load_settings()

    assert settings.pipeline.priority_threshold == 90
    assert (settings.processing.thumbnail_px, settings.processing.preview_px) == (400, 2048)
    assert settings.processing.quality == 80


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photobus.yaml").write_text("pipeline: {max_parallel_jobs: 5, max_attempts_default: 7}\n")
    monkeypatch.setenv("PHOTOBUS_PIPELINE__MAX_PARALLEL_JOBS", "6")

    settings = load_settings()

    assert settings.pipeline.max_parallel_jobs == 6
    assert settings.pipeline.max_attempts_default == 7


def test_the_number_of_copies_comes_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOBUS_EVENTS__REPLICAS", "3")
    assert load_settings().events.replicas == 3
    monkeypatch.setenv("PHOTOBUS_EVENTS__REPLICAS", "2")
    with pytest.raises(ConfigurationError, match="replicas"):
        load_settings()


def test_every_error_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "photobus.yaml").write_text("jobs: {default_size: 2001}\ngateway: {port: 70000}\nnonsense: 1\n")

    with pytest.raises(ConfigurationError) as error:
        load_settings()

    assert "jobs.default_size" in error.value.public_message
    assert "gateway.port" in error.value.public_message
    assert "nonsense" in error.value.public_message


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("PHOTOBUS_PIPELINE__HEARTBEAT_MS", "10001", "heartbeat_ms"),
        ("PHOTOBUS_PIPELINE__PRIORITY_LANE_SLOTS", "16", "priority_lane_slots"),
        ("PHOTOBUS_PIPELINE__BULK_PRIORITY", "90", "bulk_priority"),
        ("PHOTOBUS_JOBS__SIZE", '{"generate_derivatives": 2001}', "2001"),
        ("PHOTOBUS_JOBS__SIZE", '{"make_coffee": 1}', "make_coffee"),
        ("PHOTOBUS_CONFIG", "nowhere.yaml", "nowhere.yaml"),
    ],
)
def test_wrong_settings_are_refused_by_name(key: str, value: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(key, value)

    with pytest.raises(ConfigurationError, match=word):
        load_settings()


def test_a_file_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photobus.yaml").write_text("pipeline: [unclosed\n")

    with pytest.raises(ConfigurationError, match="not YAML"):
        load_settings()
