"""``photobus schedules``: how lengths of time are read and said, and what is refused before anybody is asked."""

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from photobus_cli.main import app
from photobus_cli.schedules import length, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), ("7d", 604_800), ("1w3s", 604_803)],
)
def test_lengths_of_time_are_read(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "5m!", "1.5h", "5y"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        seconds(text)


@given(st.integers(1, 10**8))
def test_what_is_said_is_read_again(total: int) -> None:
    assert seconds(length(total)) == total


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["folder_discovery"], "say what to change"),
        (["folder_discovery", "--every", "5m", "--cron", "0 0 * * * *"], "not both"),
        (["folder_discovery", "--every", "soon"], "no length of time"),
    ],
)
def test_a_command_that_says_nothing_or_too_much_ends_at_once(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(app, ["schedules", "set", *arguments], env={"COLUMNS": "200", "TERM": "dumb"})
    assert result.exit_code == 2
    assert told in result.output
