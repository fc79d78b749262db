"""Ending a device's connection: the door behind which its secret no longer counts.

Made by `wiring`, on a connection of its own to the account SYS, which sees the connections of all
accounts on every server of a cluster. Withdraw the secret first, then kick: a kicked device
connects again within a second, and must then be refused. A connection that was admitted in the
very moment of the kick is seen by the second look.
"""

import contextlib
import json
import ssl
from typing import Any, Final, Self, cast

import nats.errors
import structlog
from nats.aio.client import Client

from fairlead.bus.connection import open_client, subscribe
from fairlead.bus.subjects import token
from fairlead.engine.ports.bus import BusUnavailable

_log = structlog.stdlib.get_logger(__name__)
_ACCOUNT: Final = "DEV"
_PATIENCE_S: Final = 0.25  # how long further servers of a cluster may take to answer after the first
_TIMEOUT_S: Final = 5.0


class SystemDoor:
    """The account SYS of NATS."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    async def connect(cls, url: str, *, user: str, password: str, name: str, tls: ssl.SSLContext | None = None) -> Self:
        """Connect as a user of the account SYS."""
        return cls(await open_client(url, user=user, password=password, name=f"{name}-sys", tls=tls))

    async def close(self) -> None:
        """Hang up."""
        await self._client.close()

    async def kick(self, tenant: str, device: str) -> int:
        """Disconnect every connection of this device; answers how many there were."""
        user = f"{token(tenant)}/{token(device)}"
        try:
            first = await self._kick_once(user)
            second = await self._kick_once(user)
        except (nats.errors.Error, TimeoutError, ValueError) as refusal:
            raise BusUnavailable(f"{user} was not kicked: {refusal!r}") from refusal
        _log.info("bus.kicked", device=user, connections=len(first | second))
        return len(first | second)

    async def _kick_once(self, user: str) -> set[tuple[str, int]]:
        found = await self._connections(user)
        for server, connection in found:
            body = json.dumps({"cid": connection}).encode()
            await self._client.request(f"$SYS.REQ.SERVER.{server}.KICK", body, timeout=_TIMEOUT_S)
        return found

    async def _connections(self, user: str) -> set[tuple[str, int]]:
        """(server id, connection id) of each connection that came in as `user`, over all servers."""
        found: set[tuple[str, int]] = set()
        inbox = self._client.new_inbox()
        subscription = await subscribe(self._client, inbox)
        try:
            question = {"auth": True, "user": user, "acc": _ACCOUNT}
            await self._client.publish("$SYS.REQ.SERVER.PING.CONNZ", json.dumps(question).encode(), reply=inbox)
            patience = _TIMEOUT_S
            with contextlib.suppress(TimeoutError, nats.errors.TimeoutError):
                while True:
                    answer = await subscription.next_msg(timeout=patience)
                    found |= _read(answer.data, user)
                    patience = _PATIENCE_S
            if patience == _TIMEOUT_S:
                raise TimeoutError("no server answered")
        finally:
            await subscription.unsubscribe()
        return found


def _read(answer: bytes, user: str) -> set[tuple[str, int]]:
    body = cast("dict[str, Any]", json.loads(answer))
    server = str(body["server"]["id"])
    connections = cast("list[dict[str, Any]]", body.get("data", {}).get("connections") or [])
    return {(server, int(each["cid"])) for each in connections if each.get("authorized_user") == user}
