"""Presence of a sample of devices, as the pure clock reads it."""

from datetime import datetime
from typing import Final
from uuid import UUID

from fairlead.engine.ports.accuracy import SampledPresence
from fairlead.store.database import Connection
from fairlead.store.statements import load

SQL: Final = load("accuracy")


class AccuracyStore:
    """Implements `engine.ports.accuracy.AccuracyRows`."""

    async def sample(self, tx: Connection, devices: int, until: datetime) -> list[SampledPresence]:
        """Runs of presence of at most so many devices, by device and time."""
        rows = await (await tx.execute(SQL["sample"], {"devices": devices, "until": until})).fetchall()
        return [
            SampledPresence(
                device=UUID(str(r[0])),
                country=r[1],
                first=r[2],
                last=r[3],
                plmn=r[4],
                home_country=r[5],
                imsi=r[6],
                iccid=r[7],
                imei=r[8],
                eid=r[9],
                account=r[10],
                apn=r[11],
            )
            for r in rows
        ]
