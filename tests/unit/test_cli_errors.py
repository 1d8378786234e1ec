"""How commands end: one line for a person, whatever went wrong and whatever the terminal can show."""

import io
import sys

import pytest

from photobus_cli.errors import CommandError, run


async def fail(error: Exception) -> None:
    """A command that fails."""
    raise error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "/photos/1.jpg"), "photobus: /photos/1.jpg: Permission denied\n"),
        (OSError(28, "No space left on device"), "photobus: [Errno 28] No space left on device\n"),
        (CommandError("There is\nno \x1b[2J\x9b31m."), "photobus: There is\nno \ufffd[2J\ufffd31m.\n"),
    ],
)
def test_what_goes_wrong_is_told_and_moves_no_cursor(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(fail(error))
    assert ended.value.code == 1
    assert capsys.readouterr().err == line


def test_a_reader_that_is_gone_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BrokenPipeError):
        run(fail(BrokenPipeError()))
    assert capsys.readouterr().err == ""


def test_a_terminal_that_cannot_show_a_name_shows_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, "ascii", write_through=True))

    async def tell() -> None:
        sys.stdout.write("Zoë …")

    run(tell())
    assert shown.getvalue() == b"Zo? ?"
