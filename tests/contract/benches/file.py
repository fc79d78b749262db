"""A carrier by files: a back office in a folder, and a folder that fails as a disk or a line would."""

import asyncio
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.contract.bench import ACCOUNT, TENANT, Bench, Clock, Levels, Maker, Stage, new_world

from fairlead.connectors._kit.factory import AccountConfig
from fairlead.connectors._kit.http import Bounds
from fairlead.connectors.file.factory import FACTORY, FileFactory
from fairlead.connectors.file.place import LocalPlace, NotWritten, Seen, Shelf
from fairlead.engine.ports.carrier import Credential, ReasonCode
from fairlead_sim.carriers.files import STATES, VERBS, FilesFake, read_ticket

ASKED = ("activate", "suspend", "deactivate", "terminate")

FILES: dict[str, Any] = {
    "folder": "tr",
    "form": {
        "delimiter": ";", "decimal": ",", "encoding": "cp1252", "time_zone": "UTC", "dates": ["%d.%m.%Y %H:%M:%S", "iso"],
    },
    "iccid": {"check_digit": False},
    "ready": {"by": "rename"},
    "inventory": {
        "glob": "stock_*.csv",
        "columns": {
            "iccid": "Card", "imsi": "Subscriber", "msisdn": "Number", "state": "Status", "plan": "Tariff", "group": "Group",
        },
        "states": {word: ours for ours, word in STATES.items()},
        "exported": {"name": r"_(\d{14})_"},
    },
    "sessions": {
        "glob": "calls_*.csv",
        "columns": {
            "iccid": "Card", "id": "Session", "start": "Begin", "end": "End", "plmn": "Network", "rat": "Radio",
            "ip": "Address", "apn": "APN", "imei": "Equipment", "imsi": "Subscriber",
        },
        "exported": {"name": r"_(\d{14})_"},
    },
    "usage": {
        "glob": "traffic_*.csv",
        "columns": {"iccid": "Card", "start": "Day", "uplink": "Up (kB)", "downlink": "Down (kB)"},
        "unit": "kB",
        "exported": {"name": r"_(\d{14})_"},
    },
    "tickets": {
        "folder": "tickets",
        "kept": "sent",
        "columns": {"ticket": "Order", "iccid": "Card", "action": "What", "requested_at": "Asked"},
        "words": VERBS,
        "confirmations": {
            "folder": "confirmations",
            "glob": "answer_*.csv",
            "columns": {
                "ticket": "Order", "iccid": "Card", "result": "Outcome", "code": "Code", "text": "Remark", "at": "When",
            },
            "results": {"DONE": "done", "REJECTED": "refused"},
            "reasons": {"XYZ-7": "conflict_state", "W2": "not_found", "W3": "conflict_state"},
            "exported": {"name": r"_(\d{14})_"},
        },
    },
}  # fmt: skip


class LyingPlace(LocalPlace):
    """The folder, with a back office that works whenever somebody comes by, and the faults of the world."""

    def __init__(self, bench: "FileBench", below: Path) -> None:
        super().__init__(below, str(TENANT), "tr")
        self.bench = bench

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[Shelf]:
        async with super().visit() as shelf:
            self.bench.visits += 1
            self.bench.fake.work()
            yield LyingShelf(self.bench, shelf)


class LyingShelf:
    def __init__(self, bench: "FileBench", shelf: Shelf) -> None:
        self.bench = bench
        self.shelf = shelf

    def meets(self, kind: Any, verb: str, key: str = "folder") -> Any:
        return self.bench.world.faults.meets(kind, "tr", key=key, country=None, verb=verb)

    async def look(self, folder: str) -> Sequence[Seen]:
        slow = self.meets("slow", "look")
        if slow is not None:
            await asyncio.sleep(slow.delay_s)
        if self.meets("api_down", "look") is not None:
            raise OSError("the disk is away")
        return await self.shelf.look(folder)

    async def read(self, seen: Seen) -> bytes:
        return await self.shelf.read(seen)

    async def put(self, folder: str, name: str, content: bytes) -> None:
        if folder != "tickets":
            await self.shelf.put(folder, name, content)
            return
        tasks = read_ticket(content)
        words = {word: verb for verb, word in VERBS.items()}
        verb = words[tasks[0].action] if len(tasks) == 1 else "many"
        self.bench.fake.desk.requests[verb] += 1
        slow = self.meets("slow", verb)
        if slow is not None:
            await asyncio.sleep(slow.delay_s)
        if self.meets("api_down", verb) is not None:
            raise NotWritten("the disk is away")
        broken = self.meets("server_error", verb)
        if broken is not None and not broken.applied:
            raise OSError("the line broke")
        await self.shelf.put(folder, name, content)
        if broken is not None or self.meets("lose_reply", verb) is not None:
            raise OSError("the line broke")


class FileBench(Bench):
    visits = 0
    root: Path
    settings: dict[str, Any]

    @property
    def account_settings(self) -> dict[str, Any]:
        return {"files": self.settings}

    def __post_init__(self) -> None:
        """Nothing stands on the stage: there is no server."""

    def open(
        self,
        *,
        limits: Any = None,
        wrong: bool = False,
        total_s: float = 10,
        patience_s: float = 0,
        url: str = "",
    ) -> Any:
        assert not wrong, "a folder asks for no key"
        below = self.root / "nowhere" if url else self.root
        config = AccountConfig(
            tenant=TENANT, account=ACCOUNT, name="northwind/tr", settings=self.account_settings,
            files_below=below, bounds=Bounds(total=timedelta(seconds=total_s)),
        )  # fmt: skip
        factory = FileFactory(lambda _config, _files, _credential: LyingPlace(self, below))
        return factory.open(config, Credential(fields={}), self.stage.http, Levels(), now=self.clock, real=self.clock)

    def asked(self, method: str) -> int:
        return self.fake.desk.requests[self.verbs[method]]

    def reached(self) -> int:
        return self.visits + self.fake.desk.requests.total()


def bench(clock: Clock, stage: Stage) -> FileBench:
    root = Path(tempfile.mkdtemp(prefix="fairlead-files-"))
    made = FileBench(
        factory=FACTORY,
        fake=FilesFake(new_world(clock), "tr", root / str(TENANT) / "tr"),
        secrets={},
        clock=clock,
        stage=stage,
        verbs={**{verb: verb for verb in ASKED}, "change_many": "many", "read_sim": "look", "list_sims": "look"},
        words=STATES,
        reasons={0: ReasonCode.CONFLICT_STATE},
        refusal=(0, "XYZ-7"),
        refuses_by_status=False,
        has_key=False,
        counts_requests=False,
        dated_by_reading=False,
        logs_in=False,
    )
    made.root, made.settings = root, FILES
    weakref.finalize(made, shutil.rmtree, root, ignore_errors=True)
    return made


FILE = Maker(factory=FACTORY, make=bench)
