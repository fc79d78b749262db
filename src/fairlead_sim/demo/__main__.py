"""`python -m fairlead_sim.demo`: runs the story, writes the report, and says whether it came true."""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import resource
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import uvloop

from fairlead_sim.demo.company import LAB_PASSWORD, OWNER_EMAIL, TENANT, Shape
from fairlead_sim.demo.scene import Scene, scene
from fairlead_sim.demo.screen import Screen
from fairlead_sim.demo.server import ServerFailed
from fairlead_sim.demo.story import Story, now_text

_FILES_A_DEVICE: Final = 4
_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 only when every check holds."""
    options = _options(arguments)
    _allow_files(options.devices * _FILES_A_DEVICE + 1_000)
    try:
        return uvloop.run(_run(options))
    except ServerFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description="Northwind Trackers, a fictional company's story.")
    parser.add_argument("--seconds", type=float, default=None, help="end by itself within this time; else keep running")
    parser.add_argument("--devices", type=int, default=2_000)
    parser.add_argument("--countries", default="", help="comma-separated; TR, DE and BR must be among them")
    parser.add_argument("--watched", type=int, default=8, help="devices without a policy in each watched country")
    parser.add_argument("--travellers", type=int, default=12)
    parser.add_argument("--days-ahead", type=int, default=14, help="house days between forecast and plan")
    parser.add_argument("--directory", type=Path, default=Path("var/demo"))
    parser.add_argument("--report", type=Path, default=Path("demo-report.json"))
    return parser.parse_args(arguments)


def _shape(options: argparse.Namespace) -> Shape:
    countries = tuple(options.countries.split(",")) if options.countries else Shape().countries
    return Shape(
        devices=options.devices,
        countries=countries,
        watched=options.watched,
        travellers=options.travellers,
        days_ahead=options.days_ahead,
    )


async def _run(options: argparse.Namespace) -> int:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - there is one
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with Screen() as screen:
        screen.phase("Server, world and carriers start")
        try:
            async with scene(_shape(options), options.directory.absolute()) as stage:
                _welcome(stage, screen)
                screen.say(f"{len(stage.accounts)} carrier accounts are up")
                story = Story(stage, screen)
                ok = await _told(story, screen, options)
                if options.seconds is None:
                    _invite(stage, screen)
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.Event().wait()
                    screen.say("everything is being taken down")
                return 0 if ok else 1
        except asyncio.CancelledError:
            screen.say("interrupted: everything is being taken down")
            return _INTERRUPTED


async def _told(story: Story, screen: Screen, options: argparse.Namespace) -> bool:
    """Tell the story within its time, and write down what came of it."""
    started, begun = now_text(), screen.elapsed_s
    trouble = ""
    try:
        async with asyncio.timeout(options.seconds):
            await story.tell()
    except TimeoutError:
        trouble = f"the story was not over after {options.seconds:g} s"
    except Exception as error:  # noqa: BLE001 - the report says what happened
        trouble = f"{type(error).__name__}: {error}"
        screen.say(traceback.format_exc(), style="red")
    if trouble:
        screen.say(trouble, style="bold red")
    took = screen.elapsed_s - begun
    ok = not trouble and bool(story.checks) and all(check.ok for check in story.checks)
    report: dict[str, Any] = {
        "company": "Northwind Trackers (fictional)",
        "ok": ok,
        "trouble": trouble,
        "started_at": started,
        "seconds": round(took, 1),
        "seconds_by_act": story.took_s,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
        "checks": {check.name: check.shown() for check in story.checks},
        "figures": story.figures,
    }
    text = json.dumps(report, indent=2, ensure_ascii=False, default=str) + "\n"
    await asyncio.to_thread(options.report.write_text, text, encoding="utf-8")
    verdict = "The story came true" if ok else "The story did not come true"
    screen.say(f"{verdict} in {took:.1f} s. Report: {options.report}", style="bold green" if ok else "bold red")
    return ok


def _invite(stage: Scene, screen: Screen) -> None:
    screen.phase("Look around; Ctrl-C ends it")
    _welcome(stage, screen)
    screen.say(f"API      {stage.server.api}/v1  (described at {stage.server.api}/v1/openapi.json)")
    screen.say(f"export FAIRLEAD_URL={stage.server.api} FAIRLEAD_TOKEN={stage.api.token}")
    screen.say(
        "fairlead get devices · fairlead get changes · fairlead why trk-00001 · fairlead journal verify --server"
    )


def _welcome(stage: Scene, screen: Screen) -> None:
    """The console's address, and who may look: the first owner comes to be as the story begins."""
    screen.say(f"Console  {stage.server.api}/", style="bold")
    screen.say(f"sign in  {TENANT} · {OWNER_EMAIL} · {LAB_PASSWORD}  (a lab password, on this machine only)")


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


if __name__ == "__main__":
    sys.exit(main())
