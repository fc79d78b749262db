"""How much memory the server needs with a million devices: `server_rss`.

One process with every role (API, MQTT, worker) on a fleet of that size: it resolves the fleet, makes
a plan that concerns a third of it, and serves pages. The figure is the peak resident memory of our
process; the engines are reported beside it, and the bound stands in the line.

    python bench/memory.py [devices]
"""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
from psycopg.conninfo import make_conninfo

MADE = Path(__file__).with_name("made_fleet.sql")
NOW = datetime.now(UTC)
LIMIT_MB = 400
SERVER = """
import asyncio, sys, json
from fairlead import wiring
def ready(r): print(json.dumps({"url": r.api_url, "code": r.setup_code}), flush=True)
asyncio.run(wiring.up(None, {"data_dir": sys.argv[1], "api.port": "18099", "mqtt.port": "18098", "clock": "1"}, ready=ready, tenant="acme"))
"""
POLICY = """apiVersion: fairlead/v1
kind: Policy
metadata: {name: quiet}
spec:
  priority: 10
  match: 'country in ["DE", "FR", "BR"]'
  admit: auto
  set: {config: {merge: {report_interval_s: 900}}}
  reason: bench
"""


def resident_mb(pid: int, *, peak: bool) -> float:
    found = re.search(r"VmHWM:\s+(\d+)" if peak else r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def proportional_mb(pid: int) -> float:
    try:
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def engines_mb(home: str) -> float:
    """PostgreSQL and NATS: every process whose command line or parent belongs to this data directory."""
    total, parents = 0.0, set[int]()
    processes = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]
    for pid in processes:
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if home in line and Path(line.split("\0")[0]).name in ("postgres", "nats-server"):
            parents.add(pid)
    for pid in processes:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        parent = int(re.search(r"PPid:\s+(\d+)", status)[1])
        if pid in parents or parent in parents:
            total += proportional_mb(pid)
    return total


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as home:
        Path(home).chmod(0o755)
        server = subprocess.Popen([sys.executable, "-c", SERVER, home], stdout=subprocess.PIPE, text=True)
        try:
            ready = json.loads(server.stdout.readline())
            idle = resident_mb(server.pid, peak=False)
            with httpx.Client(base_url=ready["url"], timeout=300) as http:
                owner = {
                    "code": ready["code"],
                    "name": "Bench",
                    "email": "bench@example.com",
                    "password": f"Bench-{uuid4()}",
                }
                signed = http.post("/v1/setup", json=owner)
                signed.raise_for_status()
                http.headers["X-CSRF-Token"] = signed.json()["csrf"]
                fill(home, count)
                plan = http.post("/v1/plans", json={"files": [{"name": "p.yaml", "text": POLICY}]})
                plan.raise_for_status()
                cursor = None
                for _ in range(50):
                    page = http.get("/v1/devices", params={"limit": 500} | ({"cursor": cursor} if cursor else {}))
                    page.raise_for_status()
                    cursor = page.json()["next"]
                deadline = time.monotonic() + 120
                while waiting(home) and time.monotonic() < deadline:
                    time.sleep(1)
            peak = resident_mb(server.pid, peak=True)
            engines = engines_mb(home)
        finally:
            server.send_signal(signal.SIGINT)  # so that it stops its engines
            server.wait(60)
    print(json.dumps({
        "name": "server_rss", "value": round(peak, 1), "unit": "MB", "against": "the bound", "against_value": LIMIT_MB,
        "ratio": round(peak / LIMIT_MB, 3), "runs": 1, "spread": [round(idle, 1), round(peak, 1)], "devices": count,
        "idle_mb": round(idle, 1), "engines_mb": round(engines, 1), "planned_devices": plan.json()["summary"]["devices"],
    }), flush=True)  # fmt: skip


def connect(home: str) -> psycopg.Connection:
    password = Path(home, "database.password").read_text()
    conf = next(Path(home).rglob("postgresql.conf")).read_text()
    port = re.findall(r"^port\s*=\s*(\d+)", conf, re.MULTILINE)[-1]
    return psycopg.connect(
        make_conninfo(host="127.0.0.1", port=port, dbname="fairlead", user="fairlead_app", password=password)
    )


def fill(home: str, count: int) -> None:
    blocks = re.split(r"^-- name: \w+$", MADE.read_text(), flags=re.MULTILINE)[1:]
    with connect(home) as conn:
        tenant = conn.execute("select id from tenant where name = 'acme'").fetchone()[0]
        conn.execute("select set_config('app.tenant', %s, true)", (str(tenant),))
        for block in blocks:
            conn.execute(block, {"n": count, "now": NOW}, prepare=False)
        conn.execute("insert into dirty (tenant, device) select tenant, device from fact")


def waiting(home: str) -> bool:
    with connect(home) as conn:
        tenant = conn.execute("select id from tenant where name = 'acme'").fetchone()[0]
        conn.execute("select set_config('app.tenant', %s, true)", (str(tenant),))
        return conn.execute("select 1 from dirty limit 1").fetchone() is not None


if __name__ == "__main__":
    main()
