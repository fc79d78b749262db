"""Shipments: checked for law, certificates and a way in before they leave; leaving the warehouse activates.

`check` judges the devices as they are, rehearses their activation, and keeps all of it with a digest.
`leave` is the warehouse door: in one transaction it judges anew, answers 409 with the differences when
something moved, writes the destination beside the devices' facts, and makes their first activation a
Change. Where they are is never pretended: they have arrived when presence says so, counted when somebody
looks. Before the door a shipment is cancelled; after it, the way back is the rollback of its Change.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NoReturn
from uuid import UUID

from fairlead.engine.actions import EVERYONE, ActionAsked, Chosen
from fairlead.engine.arrivals import Arrivals
from fairlead.engine.changes import Changes, Conflict
from fairlead.engine.fleet import Actor
from fairlead.engine.journal import entry
from fairlead.engine.mint import uuid7
from fairlead.engine.plans import Hand, Planner, Refused
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.ports.planning import PlanRow
from fairlead.engine.ports.shipments import Line, Override, Shipment, ShipmentRows, ShippedDevice, Whereabouts
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.register import merged
from fairlead.engine.situations import Able, Ables, Collided
from fairlead.engine.stores import Stores
from fairlead.insight.radio import Ends
from fairlead.insight.shipments import Verdict, World, changed, judge, tally
from fairlead.model.access import Role
from fairlead.model.ids import show
from fairlead.model.journal import Action, Entry, Json, Subject
from fairlead.model.lifecycle import SHIPMENT, ShipmentState, name, step
from fairlead.model.reference import Reference
from fairlead.model.resources import Condition
from fairlead.model.rollout import Gate, Rollout
from fairlead.model.shipment import MOST_DEVICES, Activation, Blocked

_LAWYERS: Final[frozenset[Role]] = frozenset({"compliance", "owner"})
_LEAST_WAIT: Final = timedelta(days=1)
# One stage: they leave together. What fails is looked at; nobody's SIM goes because another box was lost.
_ROLLOUT: Final = Rollout(
    stages=(100,), gate=Gate(max_failed=0.99, min_verified=0, wait=timedelta(days=90)), on_failure="pause"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentAsked:
    """What is to be sent where."""

    country: str
    sku: str | None
    leaves_on: date
    arrives_on: date
    route: str
    note: str
    names: tuple[str, ...]  # names or serials
    match: Condition | None  # or a condition: who matches when it is made


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why there is no such shipment: a field, what was found, what was expected."""

    pointer: str
    value: object
    expected: str


class _NotNowError(Exception):
    """Leave the transaction, and everything it wrote, behind."""

    def __init__(self, conflict: Conflict) -> None:
        super().__init__(conflict.title)
        self.conflict = conflict


class _RehearsedError(Exception):
    """The rehearsal is over: what it planned is told, and not kept."""

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self.activation = activation


class Shipments:
    """Shipments of every tenant."""

    def __init__(
        self, stores: Stores, rows: ShipmentRows, planner: Planner, changes: Changes, arrivals: Arrivals,
        reference: Reference, ables: Ables,
    ) -> None:  # fmt: skip
        self._stores = stores
        self._rows = rows
        self._planner = planner
        self._changes = changes
        self._arrivals = arrivals
        self._reference = reference
        self._ables = ables

    # --- before the door ------------------------------------------------------------------------

    async def create(self, actor: Actor, hand: Hand, asked: ShipmentAsked, now: datetime) -> Shipment | Unfit:
        """Write down what is to be sent; nothing is judged yet."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            devices = await self._chosen(tx, actor, asked, now)
            if isinstance(devices, Unfit):
                return devices
            made = Shipment(
                id=uuid7(now), country=asked.country, sku=asked.sku, leaves_on=asked.leaves_on,
                arrives_on=asked.arrives_on, route=asked.route, note=asked.note, state=ShipmentState.DRAFT,
                author=hand.person, devices=len(devices), created_at=now,
            )  # fmt: skip
            await self._rows.insert(tx, made, devices)
            said: dict[str, Json] = {
                "country": made.country, "devices": made.devices, "sku": made.sku,
                "arrives_on": made.arrives_on.isoformat(),
            }  # fmt: skip
            await self._stores.append(tx, [_line(actor, made.id, Action.SHIPMENT_MADE, now, made.note, said)])
        return made

    async def _chosen(
        self, tx: Transaction, actor: Actor, asked: ShipmentAsked, now: datetime
    ) -> Sequence[UUID] | Unfit:
        if asked.match is not None:
            found = await self._stores.plans.select(
                tx, names=None, match=asked.match.expr, passing=EVERYONE,
                constants={"tenant": str(actor.tenant)}, now=now,
            )  # fmt: skip
            devices = found.devices
        else:
            named = await self._rows.named(tx, asked.names)
            if named.unknown:
                return Unfit(
                    pointer=f"/devices/{asked.names.index(named.unknown[0])}", value=", ".join(named.unknown[:20]),
                    expected=f"names or serials of devices; {len(named.unknown)} are neither",
                )  # fmt: skip
            if named.ambiguous:
                return Unfit(
                    pointer=f"/devices/{asked.names.index(named.ambiguous[0])}", value=", ".join(named.ambiguous[:20]),
                    expected="a serial that one device has; several have this one: give their names",
                )  # fmt: skip
            devices = named.devices
        if not 1 <= len(devices) <= MOST_DEVICES:
            pointer = "/match" if asked.match is not None else "/devices"
            return Unfit(pointer=pointer, value=len(devices), expected=f"1 to {MOST_DEVICES:,} devices")
        promised = await self._rows.promised(tx, devices)
        if promised:
            device, other = promised[0]
            return Unfit(
                pointer="/match" if asked.match is not None else "/devices", value=device,
                expected=f"devices of no other shipment that has not left; {show('ship', other)} has this one",
            )  # fmt: skip
        return devices

    async def check(self, actor: Actor, hand: Hand, shipment: UUID, now: datetime) -> Shipment | Conflict | None:
        """Judge it anew and keep what was found. None: there is no such."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            found = await self._rows.read(tx, shipment)
        if found is None:
            return None
        if ShipmentState.CANCELLED not in SHIPMENT[found.state]:
            return _wrong_state(found, "has not left")
        activation = await self._rehearsed(actor, hand, found, now)
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            found = await self._rows.read(tx, shipment, lock=True)
            if found is None:
                return None
            if ShipmentState.CANCELLED not in SHIPMENT[found.state]:
                return _wrong_state(found, "has not left")
            verdict = await self._judged(tx, found, activation, now)
            override = found.override if found.override and found.override.digest == verdict.digest else None
            state = ShipmentState.REFUSED if verdict.stopping and override is None else ShipmentState.READY
            if state is not found.state:
                step(SHIPMENT, found.state, state)
            kept = replace(
                found, state=state, checked_at=now, digest=verdict.digest, reasons=verdict.reasons,
                activation=activation, override=override,
            )  # fmt: skip
            await self._rows.checked(tx, kept, [(one.about, one.members, one.reasons) for one in verdict.lines])
            said: dict[str, Json] = {
                "state": name(state), "digest": verdict.digest.hex(),
                "stopping": sorted({one.code for one in verdict.stopping}),
            }  # fmt: skip
            await self._stores.append(tx, [_line(actor, shipment, Action.SHIPMENT_CHECKED, now, "", said)])
            return await self._rows.read(tx, shipment)

    async def override(
        self, actor: Actor, hand: Hand, roles: Collection[Role], shipment: UUID, *, reason: str, now: datetime
    ) -> Shipment | Conflict | None:
        """Let one leave in spite of what was found, where that is anybody's to say. It holds for this check only."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            found = await self._rows.read(tx, shipment, lock=True)
            if found is None:
                return None
            if found.state is not ShipmentState.REFUSED or found.digest is None:
                return _wrong_state(found, "was refused")
            if found.author == hand.person:
                return Conflict(
                    title="Somebody else must decide", code="own_shipment", differences={},
                    detail="Nobody lets their own shipment pass.",
                )  # fmt: skip
            verdict = await self._judged(tx, found, found.activation, now)
            if verdict.digest != found.digest:
                return await self._moved(tx, found, verdict)
            wanted, codes = verdict.override, sorted({one.code for one in verdict.stopping})
            if wanted == "nobody" or (wanted == "compliance" and not _LAWYERS.intersection(roles)):
                who = "the role compliance, or the owner" if wanted == "compliance" else "nobody"
                return Conflict(
                    title="This cannot be let pass", code="not_overridable", differences={"reasons": codes, "who": who},
                    detail=f"{who} may decide on {', '.join(codes)}. Each reason says what to do instead.",
                )  # fmt: skip
            said = Override(approver=hand.person, reason=reason, at=now, digest=verdict.digest)
            await self._rows.set_state(tx, shipment, ShipmentState.READY, now, override=said)
            told: dict[str, Json] = {"stopping": list(codes), "digest": verdict.digest.hex()}
            await self._stores.append(tx, [_line(actor, shipment, Action.SHIPMENT_OVERRIDDEN, now, reason, told)])
            return await self._rows.read(tx, shipment)

    async def cancel(self, actor: Actor, shipment: UUID, *, reason: str, now: datetime) -> Shipment | Conflict | None:
        """Drop one that has not left; its devices are free for another."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            found = await self._rows.read(tx, shipment, lock=True)
            if found is None or found.state is ShipmentState.CANCELLED:
                return found
            if ShipmentState.CANCELLED not in SHIPMENT[found.state]:
                return _wrong_state(found, "has not left", "What has left is taken back by rolling back its Change.")
            await self._rows.set_state(tx, shipment, ShipmentState.CANCELLED, now)
            await self._stores.append(tx, [_line(actor, shipment, Action.SHIPMENT_CANCELLED, now, reason, {})])
            return await self._rows.read(tx, shipment)

    # --- the door -------------------------------------------------------------------------------

    async def leave(
        self, actor: Actor, hand: Hand, shipment: UUID, *, reason: str, now: datetime, approvals: int = 0
    ) -> Shipment | Conflict | None:
        """Let it out of the warehouse: its devices are activated. Twice is once.

        `approvals`: other people who must agree to the activation first, where a carrier charges for it.
        """
        try:
            async with self._stores.transactions.alone(actor.tenant) as tx:
                return await self._leave(tx, actor, hand, shipment, reason, now, approvals)
        except _NotNowError as not_now:
            return not_now.conflict
        except Collided as collided:
            return Conflict(
                title="Policies collide for these devices", detail=str(collided), code="collision", differences={}
            )

    async def _leave(
        self, tx: Transaction, actor: Actor, hand: Hand, shipment: UUID, reason: str, now: datetime, approvals: int
    ) -> Shipment | Conflict | None:
        found = await self._rows.read(tx, shipment, lock=True)
        if found is None or found.state in {ShipmentState.LEFT, ShipmentState.ARRIVED}:
            return found
        if found.state is not ShipmentState.READY or found.digest is None:
            return _wrong_state(found, "is ready", _NOT_READY.get(found.state, ""))
        await self._rows.bind(tx, shipment, found.country)
        plan = await self._planned(tx, actor, hand, found, now)
        verdict = await self._judged(tx, found, await self._activates(tx, plan), now)
        if verdict.digest != found.digest:
            raise _NotNowError(await self._moved(tx, found, verdict))
        allowed = found.override is not None and found.override.digest == verdict.digest
        if verdict.stopping and not allowed:
            codes = sorted({one.code for one in verdict.stopping})
            raise _NotNowError(Conflict(
                title="The shipment is refused", detail=f"Since the check {', '.join(codes)} stop it. Check again.",
                code="refused", differences={"reasons": codes},
            ))  # fmt: skip
        change = None
        if isinstance(plan, PlanRow):
            rollout = replace(_ROLLOUT, approvals=approvals)
            title = f"ship {found.devices} device(s) to {found.country}"
            made = await self._changes.apply_in(tx, actor.tenant, hand, plan, rollout, title, reason, now)
            if not isinstance(made, ChangeRow):
                raise _NotNowError(made)
            change = made.id
        await self._rows.set_state(tx, shipment, ShipmentState.LEFT, now, change=change)
        said: dict[str, Json] = {
            "country": found.country, "devices": found.devices, "change": show("chg", change) if change else None,
            "overridden": allowed,
        }  # fmt: skip
        await self._stores.append(tx, [_line(actor, shipment, Action.SHIPMENT_LEFT, now, reason, said)])
        return await self._rows.read(tx, shipment)

    async def _rehearsed(self, actor: Actor, hand: Hand, found: Shipment, now: datetime) -> Activation:
        """Plan the activation as the door would, and keep nothing of it."""
        try:
            async with self._stores.transactions.alone(actor.tenant) as tx:
                await self._rehearse(tx, actor, hand, found, now)
        except _RehearsedError as over:
            return over.activation
        except Collided as collided:
            why = f"policies collide for these devices: {collided}"
            return Activation(blocked=(Blocked(code="collision", why=why, devices=found.devices),))
        raise AssertionError("a rehearsal always ends by leaving its transaction")

    async def _rehearse(self, tx: Transaction, actor: Actor, hand: Hand, found: Shipment, now: datetime) -> NoReturn:
        await self._rows.bind(tx, found.id, found.country)
        plan = await self._planned(tx, actor, hand, found, now)
        raise _RehearsedError(await self._activates(tx, plan))

    async def _activates(self, tx: Transaction, plan: PlanRow | Refused) -> Activation:
        """What a plan would activate; where it was refused, nobody is left to be activated."""
        if isinstance(plan, Refused):
            return Activation()
        return replace(_activation(plan), charged=await self._changes.charged(tx, plan))

    async def _planned(
        self, tx: Transaction, actor: Actor, hand: Hand, found: Shipment, now: datetime
    ) -> PlanRow | Refused:
        shipping = (await self._rows.known(tx, found.country)).shipping
        names = tuple(await self._rows.names(tx, found.id))
        until = datetime.combine(found.arrives_on, time(), UTC) + timedelta(days=shipping.patience_days)
        asked = ActionAsked(
            verb="activate", chosen=Chosen(names=names), within=max(_LEAST_WAIT, until - now),
            reason=f"{show('ship', found.id)} leaves for {found.country}",
        )  # fmt: skip
        return await self._planner.act_in(tx, actor.tenant, hand, asked, now)

    async def _judged(self, tx: Transaction, found: Shipment, activation: Activation, now: datetime) -> Verdict:
        known = await self._rows.known(tx, found.country)
        accounts = await self._stores.plans.accounts(tx)
        world = World(
            country=found.country, arrives_on=found.arrives_on, today=now.astimezone(UTC).date(), sku=found.sku,
            rules=self._reference.rules_of(found.country), listed=known.listed, lists=known.lists, local=known.local,
            radios={one.sku: one for one in known.radios},
            ends=Ends.of(merged(known.sunsets, self._reference.sunsets)),
            certificates={(one.sku, one.topic): one for one in known.certificates},
            able={name: _unable(connector, self._ables(connector, c)) for name, (connector, c) in accounts.items()},
            shipping=known.shipping,
        )  # fmt: skip
        return judge(world, await self._rows.consignments(tx, found.id), activation)

    async def _moved(self, tx: Transaction, found: Shipment, verdict: Verdict) -> Conflict:
        before = await self._rows.lines(tx, found.id)
        differences = changed(
            tally(found.devices, found.reasons, [(one.devices, one.reasons) for one in before]),
            tally(found.devices, verdict.reasons, [(len(one.members), one.reasons) for one in verdict.lines]),
        )
        return Conflict(
            title="Facts moved since the check",
            detail="What was checked is not what would leave now. Check again and look at what was found.",
            code="drifted",
            differences={
                "reasons": differences, "lines_before": len(before), "lines_now": len(verdict.lines),
                "checked_at": found.checked_at.isoformat() if found.checked_at else None,
            },
        )  # fmt: skip

    # --- looking --------------------------------------------------------------------------------

    async def read(self, actor: Actor, shipment: UUID, now: datetime) -> Shipment | None:
        """One, with where its devices were seen; who looks first at one that has arrived writes that down."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            found = await self._rows.read(tx, shipment)
            return None if found is None else (await self._arrivals.counted(tx, actor.tenant, [found], now))[0]

    async def page(
        self, actor: Actor, *, below: UUID | None, state: ShipmentState | None, limit: int, now: datetime
    ) -> list[Shipment]:
        """Newest first."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            found = await self._rows.page(tx, below=below, state=state, limit=limit)
            return await self._arrivals.counted(tx, actor.tenant, found, now)

    async def lines(self, actor: Actor, shipment: UUID) -> list[Line]:
        """What the last check found of its devices."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            return await self._rows.lines(tx, shipment)

    async def devices(
        self, actor: Actor, shipment: UUID, *, above: UUID | None, line: int | None, where: Whereabouts | None,
        limit: int,
    ) -> list[ShippedDevice]:  # fmt: skip
        """Its devices, in a stable order."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            return await self._rows.devices(tx, shipment, above=above, line=line, where=where, limit=limit)


_NOT_READY: Final[Mapping[ShipmentState, str]] = {
    ShipmentState.DRAFT: "Check it first.",
    ShipmentState.REFUSED: "Do what its reasons say and check again, or have it let pass where that is allowed.",
    ShipmentState.CANCELLED: "Make a new one.",
}


def _activation(plan: PlanRow) -> Activation:
    blocked: Sequence[Mapping[str, Any]] = plan.summary["blocked"]
    return Activation(
        devices=plan.summary["movable"], left_out=plan.summary["left_out"],
        blocked=tuple(
            Blocked(code=str(one["code"] or "blocked"), why=str(one["why"]), devices=one["devices"]) for one in blocked
        ),
    )  # fmt: skip


def _unable(connector: str, able: Able) -> str:
    """Why a line cannot be activated there; empty: it can."""
    if "activate" in able.meanings:
        return ""
    if connector in {"", "none"}:
        return "the account has no interface"
    return able.withheld or "its carrier has no call for it"


def _wrong_state(found: Shipment, needed: str, do: str = "") -> Conflict:
    return Conflict(
        title=f"The shipment is {name(found.state)}", code="wrong_state", differences={"state": name(found.state)},
        detail=f"Only one that {needed} allows this. {do}".strip(),
    )  # fmt: skip


def _line(actor: Actor, shipment: UUID, action: Action, now: datetime, reason: str, said: Mapping[str, Json]) -> Entry:
    return entry(
        tenant=actor.tenant, at=now, actor=actor.name, action=action, reason=reason, payload=said,
        subject=Subject(kind="shipment", id=show("ship", shipment)),
    )  # fmt: skip
