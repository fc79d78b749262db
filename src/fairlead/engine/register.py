"""The carriers' register: who stands behind an account, what was agreed, where it says that it works.

What people know of a carrier and no interface tells. Everything here moves nothing: it is what the
baseline judges with, and what is asked again before a contract is renewed. Each edit replaces the
whole record, at the version that was read, and leaves a line; what is not known stays null.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from fairlead.engine.fleet import Actor
from fairlead.engine.journal import entry
from fairlead.engine.ports.register import Registered, RegisterRows
from fairlead.model.device import Account
from fairlead.model.journal import Action, Entry, Json, Subject
from fairlead.model.radio import SkuRadio, Sunset
from fairlead.model.reference import Reference
from fairlead.model.register import Covered, DueDiligence


class Register:
    """The register of every tenant."""

    def __init__(self, rows: RegisterRows, reference: Reference) -> None:
        self._rows = rows
        self._reference = reference

    async def all(self, actor: Actor) -> Sequence[Registered]:
        """Every account by name, also one of which nothing is known yet."""
        return await self._rows.records(actor.tenant)

    async def one(self, actor: Actor, account: Account) -> Registered:
        """What is known of one account."""
        (found,) = await self._rows.records(actor.tenant, account.id)
        return found

    async def put(self, actor: Actor, account: Account, known: DueDiligence, *, version: int, now: datetime) -> bool:
        """Replace what is known; False when it was edited since `version`."""
        said: dict[str, Json] = {
            "account": account.name, "contracts": [one.number for one in known.contracts],
            "unanswered": list(known.unanswered(covered=True)),
        }  # fmt: skip
        lines = (_line(actor, "carrier", account.name, Action.REGISTER_CHANGED, now, said),)
        return await self._rows.put(
            actor.tenant, account.id, known, version=version, now=now, actor=actor.name, entries=lines
        )

    async def coverage(self, actor: Actor, account: Account) -> Sequence[Covered]:
        """Where an account says that it works."""
        return await self._rows.coverage(actor.tenant, account.id)

    async def put_coverage(
        self, actor: Actor, account: Account, listed: Sequence[Covered], *, version: int, now: datetime
    ) -> bool:
        """Replace the list; False when the record was edited since `version`."""
        said: dict[str, Json] = {"account": account.name, "coverage": len(listed)}
        lines = (_line(actor, "carrier", account.name, Action.REGISTER_CHANGED, now, said),)
        return await self._rows.put_coverage(
            actor.tenant, account.id, listed, version=version, now=now, actor=actor.name, entries=lines
        )

    async def skus(self, actor: Actor) -> Sequence[SkuRadio]:
        """The radios that are known, by SKU."""
        return await self._rows.skus(actor.tenant)

    async def put_sku(self, actor: Actor, radio: SkuRadio, *, version: int, now: datetime) -> bool:
        """Replace a SKU's radio; False when it was edited since `version` (0: there was none)."""
        said: dict[str, Json] = {"rats": [rat.value for rat in radio.rats], "bands": list(radio.bands)}
        lines = (_line(actor, "sku", radio.sku, Action.SKU_CHANGED, now, said),)
        return await self._rows.put_sku(actor.tenant, replace(radio, version=version), now=now, entries=lines)

    async def sunsets(self, actor: Actor) -> Sequence[Sunset]:
        """Ends of networks: the tenant's own rows, and the reference data's where it has none of its own."""
        return merged(await self._rows.sunsets(actor.tenant), self._reference.sunsets)


def merged(own: Sequence[Sunset], reference: Sequence[Sunset]) -> Sequence[Sunset]:
    """Own rows before those of the reference data on the same country, technology and network."""
    by = {(one.country, one.rat, one.plmn or ""): one for one in (*reference, *own)}
    return [by[key] for key in sorted(by)]


def _line(actor: Actor, kind: str, ident: str, action: Action, now: datetime, payload: dict[str, Json]) -> Entry:
    return entry(
        tenant=actor.tenant, at=now, actor=actor.name, action=action, subject=Subject(kind=kind, id=ident),
        payload=payload,
    )  # fmt: skip
