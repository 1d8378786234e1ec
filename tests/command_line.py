"""The command ``photobus`` of a running stack."""

import asyncio
import json
from typing import Any

from running_stack import PHOTOBUS, RunningStack


class CommandLine:
    """Runs ``photobus`` as somebody else's shell does."""

    def __init__(self, stack: RunningStack) -> None:
        self._environment = {**stack.environment, "PHOTOBUS_ADDRESS": stack.address, "PHOTOBUS_TOKEN": stack.token}

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Return exit status, output and errors."""
        process = await asyncio.create_subprocess_exec(
            *PHOTOBUS,
            *arguments,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate()
        return process.returncode or 0, out.decode(), errors.decode()

    async def json(self, *arguments: str) -> Any:
        """Run a command that must end well; return what it printed for scripts."""
        status, out, errors = await self(*arguments, "--json")
        assert (status, errors) == (0, ""), (out, errors)
        return json.loads(out)
