"""A whole Fairlead as a process of its own, to be killed by tests: `serve_house.py <data> <api port> <mqtt port>`.

What a dead process left dispatched is looked at after three seconds instead of a minute: here every
call ends within one, and a test should not wait for the difference.
"""

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import asdict

from fairlead import wiring
from fairlead.engine import carrierwork

carrierwork.ABANDONED_REAL_S = 3.0  # pyright: ignore[reportAttributeAccessIssue, reportConstantRedefinition]


async def main(data: str, api: str, mqtt: str) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    settings = {
        "data_dir": data, "api.port": api, "mqtt.port": mqtt, "clock": "1@2026-09-01T06:00:00Z", "carriers.sweep_s": "1",
    }  # fmt: skip
    with contextlib.suppress(asyncio.CancelledError):
        await wiring.up(None, settings, ready=lambda ready: print(json.dumps(asdict(ready)), flush=True), tenant="acme")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
