"""`docs/configuration.md` lists every setting and every variable, with its default, and nothing else."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from photobus_cli import connection
from photobus_common import config
from photobus_common.config import Settings, load_settings
from photobus_local.options import OWN_VARIABLES, Options

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "configuration.md"
ROW: Final = re.compile(r"^\| `(?P<name>[\w.]+)` \| (?P<default>.*?) \| (?P<meaning>.+) \|$", re.MULTILINE)
VARIABLE: Final = re.compile(r"\bPHOTOBUS_[A-Z]+\b(?!_)")
SHELL: Final = re.compile(r"^(PHOTOBUS_\w+)=(\S+) make up$|`(PHOTOBUS_\w+)='(.+?)'`", re.MULTILINE)


def rows() -> dict[str, tuple[str, str]]:
    """Default and meaning by key or variable, as documented."""
    found = [(row["name"], row["default"], row["meaning"]) for row in ROW.finditer(DOCUMENT.read_text("utf-8"))]
    assert len({name for name, _, _ in found}) == len(found), "documented twice"
    return {name: (default.strip("`"), meaning) for name, default, meaning in found}


def documented_settings() -> dict[str, Any]:
    """Defaults of what is documented as a setting, read as the file of settings is."""
    return {name: yaml.safe_load(default) for name, (default, _) in rows().items() if "." in name}


def settings_of_code() -> dict[str, Any]:
    """Defaults of all settings, by section and key."""
    sections = Settings.model_construct().model_dump(mode="json")
    return {f"{section}.{key}": value for section, keys in sections.items() for key, value in keys.items()}


def test_every_setting_is_documented_with_its_default_and_nothing_else_is() -> None:
    assert documented_settings() == settings_of_code()
    assert list(documented_settings()) == list(settings_of_code())


def test_every_default_that_is_documented_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sections: dict[str, dict[str, Any]] = {}
    for name, default in documented_settings().items():
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = default
    (tmp_path / "photobus.yaml").write_text(yaml.safe_dump(sections))
    monkeypatch.chdir(tmp_path)

    assert load_settings() == Settings()


def test_every_variable_is_documented_and_nothing_else_is() -> None:
    read_elsewhere = {
        name
        for module in (config, connection)
        for name in VARIABLE.findall(Path(str(module.__file__)).read_text("utf-8"))
    }
    assert {name for name in rows() if "." not in name} == OWN_VARIABLES | read_elsewhere


def test_the_defaults_of_the_local_stack_are_as_documented() -> None:
    documented = rows()
    options = Options.from_environment({})

    assert documented["PHOTOBUS_DATA"][0] == str(options.data)
    assert documented["PHOTOBUS_PORT"][0] == str(options.port)
    assert set(options.scale.values()) == {1}


def test_the_examples_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examples = [tuple(filter(None, found)) for found in SHELL.findall(DOCUMENT.read_text("utf-8"))]
    for name, value in examples:
        monkeypatch.setenv(name, value)
    settings = load_settings()

    assert len(examples) == 2
    assert settings.processing.quality == 85
    assert settings.jobs.size == {**config.Jobs().size, "generate_derivatives": 500}
