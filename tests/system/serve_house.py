"""A whole Fairlead as a process of its own, to be killed by tests: `serve_house.py <data> <api port> <mqtt port> [sweep s]`.

What a dead process left dispatched is looked at after three seconds instead of a minute: here every
call ends within one, a list of a carrier's within three, and a test should not wait for the difference.
"""

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import asdict
from datetime import timedelta

from fairlead import wiring
from fairlead.connectors.soracom import batch
from fairlead.engine import carriermany, carrierwork

carrierwork.ABANDONED_REAL_S = 3.0  # pyright: ignore[reportAttributeAccessIssue, reportConstantRedefinition]
carriermany.LOST_REAL_S = 6.0  # pyright: ignore[reportAttributeAccessIssue, reportConstantRedefinition]
batch._LOOK_AGAIN = timedelta(seconds=2)  # pyright: ignore[reportPrivateUsage, reportConstantRedefinition]


async def main(data: str, api: str, mqtt: str, sweep: str = "1") -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    settings = {
        "data_dir": data, "api.port": api, "mqtt.port": mqtt, "clock": "1@2026-09-01T06:00:00Z", "carriers.sweep_s": sweep,
    }  # fmt: skip
    with contextlib.suppress(asyncio.CancelledError):
        await wiring.up(None, settings, ready=lambda ready: print(json.dumps(asdict(ready)), flush=True), tenant="acme")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
