"""Both engines together, as one value for wiring: where they listen and how to come in.

`fairlead up` starts them here when nothing else was configured; `ensure` is called from time to
time by the same process and brings back what has died. With engines of one's own (a DSN, a NATS
URL) this room is not used at all.
"""

from dataclasses import dataclass, field
from pathlib import Path

from fairlead.embedded.nats import Nats, NatsAccess, NatsSettings
from fairlead.embedded.postgres import Postgres, PostgresSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """Two running engines."""

    dsn: str = field(repr=False)  # superuser of PostgreSQL; carries its password
    nats_url: str
    mqtt_host: str
    mqtt_port: int
    nats: NatsAccess  # the same addresses, with the passwords and the issuer's key
    postgres_pid: int | None
    nats_pid: int | None
    adopted: bool  # at least one was found running


class EmbeddedEngines:
    """The engines of one data directory. Blocking calls: run them in a thread where a loop is running."""

    def __init__(
        self, home: Path, *, postgres: PostgresSettings | None = None, nats: NatsSettings | None = None
    ) -> None:
        self.postgres = Postgres(home, postgres)
        self.nats = Nats(home, nats)

    def start(self) -> Engines:
        """Start or adopt both; when the second fails the first is stopped again. Raises `EngineFailed`."""
        self.postgres.start()
        try:
            self.nats.start()
        except BaseException:
            self.postgres.stop()
            raise
        return self._value()

    def ensure(self) -> Engines:
        """Bring back whichever has ended by itself, at its address. Raises `EngineFailed` when one keeps ending."""
        self.postgres.ensure()
        self.nats.ensure()
        return self._value()

    def stop(self) -> None:
        """Stop both cleanly, the bus first."""
        try:
            self.nats.stop()
        finally:
            self.postgres.stop()

    def _value(self) -> Engines:
        access = self.nats.access()
        return Engines(
            dsn=self.postgres.dsn(),
            nats_url=access.url,
            mqtt_host=access.mqtt_host,
            mqtt_port=access.mqtt_port,
            nats=access,
            postgres_pid=self.postgres.pid,
            nats_pid=self.nats.pid,
            adopted=self.postgres.adopted or self.nats.adopted,
        )
