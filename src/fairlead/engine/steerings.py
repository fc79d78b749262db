"""Steering: each kept list compiled for every account, set on the lines it matches, taken back where they leave.

`tick` looks at the whole: it compiles every kept `Steering`, asks how each matched line stands to its list by
our own newest operation on it, and asks carriers through bulk actions for what is missing. A changed
steering, a device that crosses a border and a lost hint are therefore one thing. A line that a person set
otherwise since, or took back, is left alone until the steering is written anew. Two steerings that match one
line: neither sets it, and both say so.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from fairlead.engine.bulk import MOST_LINES, Asked, Bulks, RuleHand
from fairlead.engine.carriers import NO_CONNECTOR
from fairlead.engine.ports.bulk import Lines
from fairlead.engine.ports.carrier import Manifest
from fairlead.engine.ports.fleet import SubscriptionFilter
from fairlead.engine.ports.planning import RevisionRow
from fairlead.engine.ports.steering import Kept, Reached, SteeringRows, Wanted
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.rules import resource_of
from fairlead.engine.situations import Ables
from fairlead.engine.stores import Stores
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.ids import TenantId
from fairlead.model.reference import Network
from fairlead.model.resources import Resource, Steering
from fairlead.model.subscription import Verb
from fairlead.plan.steering import AtCarrier, Compiled, compile_steering

KIND: Final = "Steering"
RETRY: Final = timedelta(days=1)  # house time, before a line whose list could not be set is tried again
_BACKS: Final = 200  # bulk actions of which lines are taken back in one turn


class Steerings:
    """The steering of every tenant."""

    def __init__(
        self,
        stores: Stores,
        rows: SteeringRows,
        bulks: Bulks,
        timekeeper: Timekeeper,
        manifest: Callable[[str], Manifest | None],
        ables: Ables,
        networks: Mapping[str, Network],
    ) -> None:
        """`manifest` gives what a connector says about itself; `networks` are the world's, by MCC-MNC."""
        self._stores = stores
        self._rows = rows
        self._bulks = bulks
        self._time = timekeeper
        self._manifest = manifest
        self._ables = ables
        self._networks = networks

    key: ClassVar[str] = "steering"

    async def at_accounts(
        self, tx: Transaction, tenant: TenantId, resources: Sequence[Resource]
    ) -> Mapping[str, list[dict[str, Any]]]:
        """What each would be at every account that has lines of it, by its name."""
        named = {one.metadata.name: one for one in resources if isinstance(one, Steering)}
        if not named:
            return {}
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in named}
        for reached, compiled in await self._compiled(tx, tenant, named):
            found[reached.name].append(_verdict(reached, compiled, {}))
        return found

    async def tick(self, tenant: TenantId) -> int:
        """Compile, compare, ask; how many lines were asked about."""
        now = self._time.now()
        async with self._stores.transactions.tenant(tenant) as tx:
            await self._rows.alone(tx, KIND)
            kept = {row.name: row for row in await self._stores.policies.live(tx) if _acts(row)}
            before = await self._rows.kept(tx, KIND)
            if not kept and not before:
                return 0
            resources = {name: resource_of(row) for name, row in kept.items()}
            steerings = {name: one for name, one in resources.items() if isinstance(one, Steering)}
            compiled = await self._compiled(tx, tenant, steerings)
            wanted = [_wanted(kept[reached.name], made) for reached, made in compiled if made.possible]
            await self._rows.judge(tx, wanted, now - RETRY)
            asked = sum([await self._ask(tx, tenant, kept[one.name], one) for one in wanted])
            asked += await self._back(tx, tenant)
            await self._rows.judge(tx, wanted, now - RETRY)
            standing = await self._rows.standing(tx)
            verdicts = [
                Kept(
                    name=reached.name, account=reached.account, revision=kept[reached.name].number, judged_at=now,
                    verdict=_verdict(reached, made, standing.get((reached.name, reached.account), {})),
                )
                for reached, made in compiled
            ]  # fmt: skip
            verdicts += [
                Kept(name=name, account="", revision=row.number, judged_at=now, verdict={"lines": 0})
                for name, row in kept.items()
                if name not in {one.name for one in verdicts}
            ]
            await self._rows.keep(tx, KIND, verdicts)
        return asked

    async def kept(
        self,
        tenant: TenantId,
        after: tuple[str, str] = ("", ""),
        limit: int | None = None,
        only: str | None = None,
    ) -> list[Kept]:
        """What was last judged, by name and account; `only`: of that name."""
        async with self._stores.transactions.tenant(tenant) as tx:
            return await self._rows.kept(tx, KIND, after, limit, only)

    async def _compiled(
        self, tx: Transaction, tenant: TenantId, steerings: Mapping[str, Steering]
    ) -> list[tuple[Reached, Compiled]]:
        now = self._time.now()
        rules = [(name, one.match.expr) for name, one in steerings.items()]
        await self._rows.fill(tx, rules, {"tenant": str(tenant)}, now)
        found: list[tuple[Reached, Compiled]] = []
        for reached in await self._rows.reached(tx):
            at = self._at(reached)
            found.append((reached, compile_steering(steerings[reached.name], at, self._networks)))
        return found

    def _at(self, reached: Reached) -> AtCarrier:
        manifest = self._manifest(reached.connector) if reached.connector != NO_CONNECTOR else None
        withheld = ""
        if manifest is not None:
            able = self._ables(reached.connector, reached.config)
            if Verb.SET_NETWORK_POLICY.value not in able.meanings:
                withheld = able.withheld or "its settings do not allow it"
        return AtCarrier(
            account=reached.account, record=manifest.capabilities if manifest is not None else None, withheld=withheld,
            lines=reached.lines, countries=reached.countries, others=reached.of - reached.lines,
        )  # fmt: skip

    async def _ask(self, tx: Transaction, tenant: TenantId, row: RevisionRow, wanted: Wanted) -> int:
        iccids = await self._rows.due(tx, wanted.name, wanted.account, MOST_LINES)
        if not iccids:
            return 0
        asked = Asked(
            verb=Verb.SET_NETWORK_POLICY, arguments={"kind": wanted.kind, "plmns": list(wanted.plmns)},
            lines=Lines(which=SubscriptionFilter(), iccids=tuple(iccids)),
            selected={"carrier": wanted.account, "iccids": len(iccids)},
        )  # fmt: skip
        hand = RuleHand(tenant=tenant, rule=wanted.label, person=row.author)
        reason = f"Steering {row.name}, revision {row.number}"
        return len(iccids) if await self._bulks.for_rule(tx, hand, asked, reason=reason) is not None else 0

    async def _back(self, tx: Transaction, tenant: TenantId) -> int:
        """Lines that no steering matches any more go back to the list before."""
        back = 0
        for left in await self._rows.left(tx, _BACKS):
            hand = RuleHand(tenant=tenant, rule=left.rule, person=left.author)
            reason = f"no steering matches the line any more: the list before {left.rule}"
            await self._bulks.back_for_rule(tx, hand, left.bulk, left.iccids, reason=reason)
            back += len(left.iccids)
        return back


def label(row: RevisionRow) -> str:
    """As the journal names the actor."""
    return f"steering/{row.name}@{row.number}"


def _acts(row: RevisionRow) -> bool:
    return row.kind == KIND and row.kept and not row.removed


def _wanted(row: RevisionRow, made: Compiled) -> Wanted:
    return Wanted(
        name=row.name, account=made.account, kind=made.kind, plmns=made.plmns, label=label(row), since=row.created_at
    )


def _verdict(reached: Reached, made: Compiled, standing: Mapping[str, int]) -> dict[str, Any]:
    return {
        "account": reached.account,
        "connector": reached.connector,
        "lines": reached.lines,
        "possible": made.possible,
        "because": made.because,
        "kind": made.kind,
        "plmns": list(made.plmns),
        "notes": list(made.notes),
        "standing": dict(standing),
    }
