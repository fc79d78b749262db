"""Runs the benchmarks, one after another, each in a process of its own: `make bench [ONLY=name[,name]]`.

A file prints a JSON line a figure; `FIGURES` says which file has which. What a file says on standard
error goes through, and a file that fails ends with a line on standard error and the exit code 1.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FIGURES = {
    "resolve.py": ("resolve_cold", "resolve_incremental", "stage_open"),
    "api.py": ("api_list_p99", "api_search_p99"),
    "shadow.py": ("shadow_updates",),
    "memory.py": ("server_rss",),
    "console.py": ("console_first_paint", "console_first_screen", "console_filter"),
    "usage.py": ("usage_intake",),
    "carriers.py": ("carrier_operations", "inventory_sync"),
    "idle_tenants.py": ("idle_tick", "idle_sweep", "idle_seal", "idle_wake"),
}


def main() -> int:
    wanted = {name for argument in sys.argv[1:] for name in argument.split(",") if name}
    known = {name for names in FIGURES.values() for name in names}
    if wanted - known:
        print(
            f"no figure is named {', '.join(sorted(wanted - known))}; there are {', '.join(sorted(known))}",
            file=sys.stderr,
        )
        return 2
    failed = 0
    for file, names in FIGURES.items():
        if wanted and not wanted & set(names):
            continue
        done = subprocess.run([sys.executable, str(HERE / file)], check=False)
        if done.returncode:
            print(f"{file} failed with exit code {done.returncode}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
