"""One house for all workers of a test run: who comes first puts it up, who leaves last takes it down.

Workers find each other by the run's id, in a directory that all of them can name. A lock guards the
number of those who are in. The house ends by itself when the process that runs the tests is gone.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_UP_WITHIN_S: Final = 240.0
_DOWN_WITHIN_S: Final = 40.0


@contextmanager
def shared_house(*, large: bool) -> Iterator[Path]:
    """The file with the line of a house that stands."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    place = Path(tempfile.gettempdir(), f"fairlead-console-{run or os.getpid()}")
    with _alone(place):
        if _change(place, +1) == 1:
            _put_up(place, large=large, beside=os.getppid() if run else os.getpid())
        _wait(place)
    try:
        yield place / "told.json"
    finally:
        with _alone(place):
            if _change(place, -1) == 0:
                _take_down(place)
    with contextlib.suppress(OSError):
        place.with_suffix(".lock").unlink()


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    with place.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place.mkdir(exist_ok=True)
        place.chmod(0o755)  # engines run as a user of their own
        yield


def _change(place: Path, by: int) -> int:
    """How many are in, from now on."""
    file = place / "users"
    count = by + int(file.read_text() if file.exists() else "0")
    file.write_text(str(count))
    return count


def _put_up(place: Path, *, large: bool, beside: int) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FAIRLEAD_")}
    command = [sys.executable, "-m", "tests.console.house", str(place / "data"), "--beside", str(beside)]
    with (place / "told.json").open("wb") as told, (place / "house.log").open("wb") as log:
        made = subprocess.Popen(
            [*command, *(["--large"] if large else [])],
            cwd=ROOT, env=environment, stdout=told, stderr=log, start_new_session=True,
        )  # fmt: skip
    (place / "pid").write_text(str(made.pid))


def _wait(place: Path) -> None:
    pid, deadline = int((place / "pid").read_text()), time.monotonic() + _UP_WITHIN_S
    while not (place / "told.json").read_bytes().endswith(b"\n"):
        if _gone(pid) or time.monotonic() > deadline:
            log = (place / "house.log").read_text(errors="replace")
            raise AssertionError(f"the house did not come up:\n{log[-4000:]}")
        time.sleep(0.2)


def _take_down(place: Path) -> None:
    pid, deadline = int((place / "pid").read_text()), time.monotonic() + _DOWN_WITHIN_S
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while not _gone(pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        if not _gone(pid):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(place, ignore_errors=True)


def _gone(pid: int) -> bool:
    """Also when it is only not yet asked for by whoever started it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
