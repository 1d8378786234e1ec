"""The processes of the system under test, each of which can be killed, paused and restarted."""


class KeptPart:
    """One supervised process, whatever process id it has at the moment."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def pid(self) -> int:
        """Id of the process that runs, or ran last."""
        raise NotImplementedError

    async def kill(self) -> None:
        """End it by SIGKILL; the supervisor starts it again."""
        raise NotImplementedError

    async def pause(self) -> None:
        """Stop it and all of its children by SIGSTOP."""
        raise NotImplementedError

    async def resume(self) -> None:
        """Let what was paused go on."""
        raise NotImplementedError

    async def restart(self) -> None:
        """Ask it to end in order (SIGTERM or what it takes for that); the supervisor starts it again."""
        raise NotImplementedError
