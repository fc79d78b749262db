"""Commands that need not wait for Python: a process that has read `fairlead` in once, and forks for every command.

Each command is still a process of its own, with its own arguments, environment, input and exit code, through the
same entry point; only the second that a new interpreter and its imports take is spent once.

Run as a program it is that process: it listens at the socket it is given, and takes the command's three streams
from whoever asks.
"""

import asyncio
import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

_CODE: Final = struct.Struct("!i")
_LONGEST: Final = 1 << 20  # bytes of a command with its environment
_STREAMS: Final = 3
_UP_S: Final = 60.0


class Terminal:
    """Where commands are typed."""

    def __init__(self, address: Path) -> None:
        self._address = address

    async def run(
        self, words: Sequence[str], *, env: Mapping[str, str], cwd: Path, given: bytes, within_s: float
    ) -> tuple[int, bytes, bytes]:
        """Exit code, output and errors of one command. Raises `TimeoutError`, and ends it, when it takes too long."""
        return await asyncio.to_thread(self._run, words, dict(env), cwd, given, within_s)

    def _run(
        self, words: Sequence[str], env: dict[str, str], cwd: Path, given: bytes, within_s: float
    ) -> tuple[int, bytes, bytes]:
        with (
            tempfile.TemporaryFile() as stdin,
            tempfile.TemporaryFile() as stdout,
            tempfile.TemporaryFile() as stderr,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked,
        ):
            stdin.write(given)
            stdin.seek(0)
            asked.settimeout(within_s)
            asked.connect(str(self._address))
            told = json.dumps({"words": list(words), "env": env, "cwd": str(cwd)}).encode()
            socket.send_fds(asked, [b"."], [stdin.fileno(), stdout.fileno(), stderr.fileno()])
            asked.sendall(told)
            asked.shutdown(socket.SHUT_WR)
            code = asked.recv(_CODE.size)  # where we give up, the command's socket closes, and it is ended
            stdout.seek(0)
            stderr.seek(0)
            return _CODE.unpack(code)[0], stdout.read(), stderr.read()


@contextlib.asynccontextmanager
async def terminal() -> AsyncIterator[Terminal]:
    """A terminal, while it is wanted."""
    with tempfile.TemporaryDirectory(prefix="fairlead-terminal-") as room:
        address = Path(room) / "socket"
        process = await asyncio.create_subprocess_exec(
            sys.executable, __file__, str(address), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            assert await asyncio.wait_for(process.stdout.readline(), _UP_S)
            yield Terminal(address)
        finally:
            process.kill()
            await process.wait()


# --- the process itself ---------------------------------------------------------------------------


def serve(address: str) -> None:
    """Fork for whoever asks, until the process that started us is gone."""
    from fairlead_cli.main import build  # read in before the first command

    build()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(address)
        door.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are nobody's to wait for here
        print("ready", flush=True)
        parent = os.getppid()
        door.settimeout(1.0)
        while os.getppid() == parent:
            with contextlib.suppress(TimeoutError):
                asked, _ = door.accept()
                if os.fork() == 0:
                    door.close()
                    asked.settimeout(None)
                    os._exit(_answer(asked))
                asked.close()


def _answer(asked: socket.socket) -> int:
    """Between the one who asked and the command: it gets the exit code, and the command ends when it goes away."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(asked, 1, _STREAMS)
    told = b""
    while part := asked.recv(_LONGEST):
        told += part
    command = os.fork()
    if command == 0:
        asked.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        _become(**json.loads(told))
    ended = select.poll()
    ended.register(os.pidfd_open(command), select.POLLIN)
    ended.register(asked, 0)  # only that it hangs up
    if any(found == asked.fileno() for found, _ in ended.poll()):
        os.kill(command, signal.SIGKILL)
        return 1
    _, status = os.waitpid(command, 0)
    asked.sendall(_CODE.pack(os.waitstatus_to_exitcode(status)))
    return 0


def _become(*, words: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
    """Be the command: never returns."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        sys.argv = ["fairlead", *words]
        for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
        from fairlead_cli.main import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - whatever it was, it ends the command and not the terminal
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
