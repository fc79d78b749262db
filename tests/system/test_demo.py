"""The demonstration's small twin: four countries, sixty devices, every part of it real."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_story_comes_true(tmp_path: Path, engine_home: Path) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [
            sys.executable, "-m", "fairlead_sim.demo", "--seconds", "100", "--devices", "60",
            "--countries", "BR,TR,SA,DE", "--watched", "2", "--travellers", "3", "--days-ahead", "6",
            "--directory", str(engine_home / "demo"), "--report", str(report),
        ],
        capture_output=True, text=True, timeout=115, check=False,
    )  # fmt: skip
    assert report.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    told = json.loads(report.read_text())
    assert told["trouble"] == "", done.stdout[-4000:]
    assert {name: check["faults"] for name, check in told["checks"].items() if not check["ok"]} == {}
    assert done.returncode == 0
    assert len(told["checks"]) == 8
    lives = [check["figures"] for check in told["checks"].values() if "from_the_factory" in check["figures"]]
    assert lives[0]["from_the_factory"] > 0
    assert told["figures"]["connected"] == 60 - lives[0]["from_the_factory"]
