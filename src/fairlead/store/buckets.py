"""Where carriers' budgets outlive a process: implements `engine.ports.carrier.BucketStore`."""

from typing import Final

from fairlead.engine.ports.carrier import BucketKey, BucketLevel
from fairlead.store.database import Database
from fairlead.store.statements import load

SQL: Final = load("buckets")


class Buckets:
    """Levels by (tenant, account, class), saved by compare and set on the version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, key: BucketKey) -> BucketLevel | None:
        """The level as last saved; None for a bucket never used."""
        async with self._database.tenant(key.tenant) as tx:
            values = {"account": key.account, "call_class": str(key.call_class)}
            row = await (await tx.execute(SQL["load"], values)).fetchone()
        return BucketLevel(tokens=row[0], at=row[1], version=row[2]) if row else None

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        """Save if nobody was faster."""
        values = {
            "account": key.account,
            "call_class": str(key.call_class),
            "tokens": level.tokens,
            "at": level.at,
            "version": level.version,
        }
        async with self._database.tenant(key.tenant) as tx:
            return await (await tx.execute(SQL["save"], values)).fetchone() is not None
