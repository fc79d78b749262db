"""Everything one process may need, built on a database; the roles take what they use."""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
from prometheus_client import REGISTRY, CollectorRegistry

from fairlead.bus.kick import SystemDoor
from fairlead.config import Config
from fairlead.connectors._kit.buckets import limits_from
from fairlead.connectors._kit.factory import AccountConfig, ConnectorFactory, OwnSettings
from fairlead.connectors._kit.tiers import Tier, read_tiers, withheld
from fairlead.connectors.control_center.factory import FACTORY as CONTROL_CENTER
from fairlead.connectors.emnify.factory import FACTORY as EMNIFY
from fairlead.connectors.file.factory import FACTORY as FILE
from fairlead.connectors.hologram.factory import FACTORY as HOLOGRAM
from fairlead.connectors.monogoto.factory import FACTORY as MONOGOTO
from fairlead.connectors.oidc.client import OidcClient
from fairlead.connectors.onence.factory import FACTORY as ONENCE
from fairlead.connectors.onence.factory import FACTORY_V2 as ONENCE_V2
from fairlead.connectors.onomondo.factory import FACTORY as ONOMONDO
from fairlead.connectors.programmable_wireless.factory import FACTORY as PROGRAMMABLE_WIRELESS
from fairlead.connectors.soracom.factory import FACTORY as SORACOM
from fairlead.connectors.supersim.factory import FACTORY as SUPERSIM
from fairlead.connectors.telnyx.factory import FACTORY as TELNYX
from fairlead.connectors.thingspace.factory import FACTORY as THINGSPACE
from fairlead.edge.api.door import Gate, Services
from fairlead.edge.api.health import Readiness
from fairlead.edge.api.routing import Repeats
from fairlead.edge.api.site import Site
from fairlead.edge.mqtt.shadow import ARITHMETIC, ShadowDoor
from fairlead.engine.accuracy import Accuracies
from fairlead.engine.agreement import Agreements
from fairlead.engine.arrivals import Arrivals
from fairlead.engine.availability import Availability
from fairlead.engine.baseline import Baselines
from fairlead.engine.bulk import Bulks
from fairlead.engine.carriers import Carriers as Accounts
from fairlead.engine.carrierwork import CarrierWorker
from fairlead.engine.certificates import Certificates
from fairlead.engine.changes import Changes
from fairlead.engine.events import Events
from fairlead.engine.findings import Findings
from fairlead.engine.fleet import Fleet
from fairlead.engine.home import Home
from fairlead.engine.hooks import HookAddresses, Hooks
from fairlead.engine.imports import Imports
from fairlead.engine.jobs import Jobs
from fairlead.engine.journal import Journal
from fairlead.engine.layers import Layers
from fairlead.engine.loop import Loop, Reconciler
from fairlead.engine.mappings import Mappings
from fairlead.engine.memberships import Memberships
from fairlead.engine.moving import Moving
from fairlead.engine.observe import Observer, country_table
from fairlead.engine.outages import Outages
from fairlead.engine.passwords import Passwords
from fairlead.engine.people import People
from fairlead.engine.plans import Planner
from fairlead.engine.ports.carrier import Connector, Credential, NotFound, Unavailable
from fairlead.engine.reconcilers import Workers, reconcilers
from fairlead.engine.register import Register
from fairlead.engine.resealing import Resealing
from fairlead.engine.resolve import Resolver
from fairlead.engine.sealing import KeyringFile, Sealer, read_keyring
from fairlead.engine.settling import Settling
from fairlead.engine.shadow import Shadows
from fairlead.engine.shipments import Shipments
from fairlead.engine.sign_in import SignIn
from fairlead.engine.signing import SigningKeys
from fairlead.engine.situations import Able, Ables, Situations
from fairlead.engine.stages import Stages
from fairlead.engine.steerings import Steerings
from fairlead.engine.stores import Stores
from fairlead.engine.stories import Stories
from fairlead.engine.strategies import Strategies
from fairlead.engine.tenants import Tenants
from fairlead.engine.timekeeper import Timekeeper
from fairlead.engine.timelines import Timelines
from fairlead.engine.usage import UsageDays, UsageIntake
from fairlead.engine.usage_alerts import UsageAlerts
from fairlead.engine.usage_rules import UsageRules
from fairlead.engine.views import Views
from fairlead.engine.waves import Waves
from fairlead.model.ids import TenantId
from fairlead.model.reference import Reference
from fairlead.model.subscription import Verb, capability
from fairlead.reference import load as load_reference
from fairlead.store.accuracy import AccuracyStore
from fairlead.store.agreement import AgreementStore
from fairlead.store.baseline import BaselineStore
from fairlead.store.buckets import Buckets
from fairlead.store.bulk import BulkStore
from fairlead.store.certificates import CertificateStore
from fairlead.store.changes import ChangeStore
from fairlead.store.clock import compute as compute_clocks
from fairlead.store.counts import CountStore
from fairlead.store.database import Connection, Database
from fairlead.store.findings import FindingStore
from fairlead.store.fleet import FleetStore
from fairlead.store.home import HomeStore
from fairlead.store.hooks import HookStore
from fairlead.store.imports import ImportStore
from fairlead.store.jobs import JobStore, RepeatStore
from fairlead.store.journal import JournalStore, append
from fairlead.store.mappings import MappingStore
from fairlead.store.membership import MembershipStore
from fairlead.store.moves import MoveStore
from fairlead.store.observing import ObservationStore
from fairlead.store.outages import OutageStore
from fairlead.store.people import PeopleStore
from fairlead.store.planning import PlanStore
from fairlead.store.policies import PolicyStore
from fairlead.store.register import RegisterStore
from fairlead.store.sealed import SealedStore
from fairlead.store.shadow import ShadowStore
from fairlead.store.shipments import ShipmentStore
from fairlead.store.sign_in import SignInStore
from fairlead.store.steering import SteeringStore
from fairlead.store.tenants import TenantStore
from fairlead.store.timeline import TimelineStore
from fairlead.store.usage import UsageStore
from fairlead.store.usage_rules import UsageRuleStore
from fairlead.store.views import ViewStore
from fairlead.store.work import WorkStore

# A connector joins with its import above and its name here.
CONNECTORS: Final[Mapping[str, ConnectorFactory]] = {
    one.manifest.id: one
    for one in (
        CONTROL_CENTER,
        EMNIFY,
        HOLOGRAM,
        MONOGOTO,
        PROGRAMMABLE_WIRELESS,
        ONENCE,
        ONENCE_V2,
        ONOMONDO,
        SORACOM,
        FILE,
        SUPERSIM,
        TELNYX,
        THINGSPACE,
    )
}  # fmt: skip


Fence = Callable[[str, Mapping[str, Any]], str]  # connector and settings → "because …"; empty: it may be written to


class ConnectorTable:
    """Opens carrier accounts and keeps them open until their settings change."""

    def __init__(
        self,
        accounts: Accounts,
        buckets: Buckets,
        http: httpx.AsyncClient,
        reference: Reference,
        now: Callable[[], datetime],
        files_below: Path | None = None,
        addresses: HookAddresses | None = None,
        *,
        fence: Fence,
    ) -> None:
        """`fence`: why nothing may be changed at an account. `addresses`: of their webhooks.

        `files_below`: where accounts may name folders; None: nowhere.
        """
        self._addresses = addresses
        self._fence = fence
        self._files_below = files_below
        self._accounts = accounts
        self._buckets = buckets
        self._http = http
        self._lengths = reference.mnc_lengths
        self._now = now
        self._open: dict[tuple[TenantId, str], tuple[int, Connector]] = {}

    async def connector(self, tenant: TenantId, account: str) -> Connector:
        """The connector of an account. Raises `NotFound`, and `Unavailable` where its settings open nothing."""
        found = await self._accounts.account(tenant, account)
        factory = CONNECTORS.get(found.connector) if found is not None else None
        if found is None or factory is None:
            raise NotFound(f"no account {account!r} with a connector")
        kept = self._open.get((tenant, account))
        if kept is not None and kept[0] == found.version:
            return kept[1]
        credential = await self._accounts.credential(tenant, found.id)
        if credential is None and not factory.manifest.auth_fields:
            credential = Credential(fields={})  # a folder asks for none
        if credential is None:
            raise NotFound(f"account {account!r} has no credential")
        hook_url = await self._addresses.of(tenant, found.id) if self._addresses and found.hook_made_at else None
        try:
            settings = AccountConfig(
                tenant=tenant,
                account=found.id,
                name=found.name,
                base_url=str(found.config.get("base_url", "")),
                auth_url=str(found.config.get("auth_url", "")),
                kind=str(found.config.get("kind", "")),
                hook_url=hook_url or str(found.config.get("hook_url", "")),
                limits=limits_from(found.config.get("limits", {})),
                mnc_lengths=self._lengths,
                settings=found.config,
                files_below=self._files_below,
            )
            opened = factory.open(settings, credential, self._http, self._buckets, now=self._now)
        except ValueError as wrong:
            # Settings that were saved before they were checked, or a credential that lacks something: one account's
            # stop that account and no other.
            raise Unavailable(f"account {account!r} cannot be opened: {wrong}") from wrong
        self._open[tenant, account] = (found.version, opened)
        return opened

    async def withheld(self, tenant: TenantId, account: str) -> str:
        """Why nothing may be changed there now; empty where it may, or where there is no such account."""
        found = await self._accounts.account(tenant, account)
        return "" if found is None else self._fence(found.connector, found.config)

    async def staleness(self, tenant: TenantId, account: str) -> timedelta:
        """How far behind the carrier's own view may be, in real time."""
        found = await self._accounts.account(tenant, account)
        return timedelta(seconds=found.staleness_s if found is not None else 0)


class House:
    """Everything one process may need, built on a database; the roles take what they use."""

    def __init__(self, config: Config, database: Database, http: httpx.AsyncClient, timekeeper: Timekeeper) -> None:
        self.config = config
        self.database = database
        self.timekeeper = timekeeper
        self.reference = load_reference()
        given = os.environ.get("FAIRLEAD_KEYRING")
        self.sealer = Sealer(read_keyring(given) if given else KeyringFile(config.data_dir))
        keys = SigningKeys(config.data_dir, clock=timekeeper.real_now)
        self.events = Events()
        self.journal = Journal(JournalStore(database), keys, clock=timekeeper.now, events=self.events)
        self.stores = Stores(
            transactions=database,
            policies=PolicyStore(),
            plans=PlanStore(),
            changes=ChangeStore(),
            moves=MoveStore(),
            append=append,
        )
        self.kicks: SystemDoor | None = None
        manifests = {name: factory.manifest for name, factory in CONNECTORS.items()}
        counts = CountStore(database)
        fleet_store = FleetStore(database)
        self.accounts = Accounts(
            fleet_store, self.sealer, manifests, buckets=Buckets(database), limits=limits_from,
            settings=check_settings, tiers={name: tier.word for name, tier in read_tiers().items()},
        )  # fmt: skip
        self.fleet = Fleet(fleet_store, counts, revoked=self._revoke, events=self.events)
        self.imports = Imports(ImportStore(database, self.reference.rules), counts, self.reference)
        self.jobs = Jobs(JobStore(database), timekeeper, events=self.events)
        people_store, sign_in_store = PeopleStore(database), SignInStore(database)
        clock, real = timekeeper.now, timekeeper.real_now
        self.people = People(people_store, sign_in_store, self.sealer, clock=clock, real=real)
        self.sign_in = SignIn(
            sign_in_store, people_store, Passwords(), OidcClient(http), self.sealer, clock=clock, real=real
        )
        self.tenants = Tenants(TenantStore(database), clock=clock)
        self.resealing = Resealing(database, SealedStore(), self.sealer, append, clock=clock)
        addresses = HookAddresses(database, HookStore(), self.sealer)
        able = ables(read_tiers(), lab=config.env == "lab")
        self.connectors = ConnectorTable(
            self.accounts,
            Buckets(database),
            http,
            self.reference,
            clock,
            config.carriers_files,
            addresses,
            fence=fence(read_tiers(), lab=config.env == "lab"),
        )
        self.hooks = Hooks(database, HookStore(), addresses, self.connectors, append, timekeeper)
        self.bulks = Bulks(self.stores, BulkStore(), timekeeper, manifests.get, able, AgreementStore())
        self.findings = Findings(database, FindingStore(), append, clock)
        self.arrivals = Arrivals(self.stores, ShipmentStore(), self.findings)
        self.situations = Situations(self.stores, able)
        self.steerings = Steerings(
            self.stores, SteeringStore(), self.bulks, timekeeper, manifests.get, able, self.reference.networks
        )  # fmt: skip
        self.usage_rules = UsageRules(
            self.stores, UsageRuleStore(), SteeringStore(), self.bulks, timekeeper, manifests.get, able,
            UsageAlerts(self.findings), AgreementStore(),
        )  # fmt: skip
        self.planner = Planner(self.stores, self.situations, _billing, (self.steerings, self.usage_rules))
        self.stages = Stages(self.stores)
        self.changes = Changes(self.stores, self.planner, self.stages, AgreementStore())
        self.shipments = Shipments(
            self.stores, ShipmentStore(), self.planner, self.changes, self.arrivals, self.reference, able
        )
        self.resolver = Resolver(self.stores)
        self.waves = Waves(self.stores, self.resolver, self.situations, self.findings)
        self.stories = Stories(self.stores, ChangeStore(), PolicyStore(), self.resolver)
        self.memberships = Memberships(self.stores, MembershipStore())
        self.shadows = Shadows(database, ShadowStore(), MoveStore(), arithmetic=ARITHMETIC, now=timekeeper.now)

    async def _revoke(self, tenant: TenantId, device: str) -> None:
        if self.kicks is not None:
            names = {TenantId(number): name for number, name in await self._tenants()}
            await self.kicks.kick(names.get(tenant, ""), device)

    async def _tenants(self) -> list[tuple[UUID, str]]:
        async with self.database.nameless() as tx:
            return await ObservationStore().tenants(tx)

    def services(self) -> Services:
        """What the API's endpoints ask for."""
        offered = Services(
            self.timekeeper,
            self.sign_in,
            self.people,
            self.journal,
            self.events,
            self.fleet,
            self.imports,
            self.jobs,
            self.accounts,
            self.reference,
            self.planner,
            self.changes,
            Settling(self.stores),
            self.stories,
            self.memberships,
            self.waves,
            self.bulks,
            self.steerings,
            self.usage_rules,
            self.findings,
            self.hooks,
            Agreements(self.database, AgreementStore(), append),
            Home(HomeStore(self.database)),
            Views(ViewStore(self.database)),
            Accuracies(self.database, AccuracyStore(), self.reference),
            Strategies(self.stores, self.fleet, self.reference),
            Timelines(TimelineStore(self.database)),
            Layers(self.fleet, self.reference),
            UsageDays(UsageStore(self.database)),
            Mappings(MappingStore(self.database)),
            Register(RegisterStore(self.database), self.reference),
            Baselines(BaselineStore(self.database), self.reference),
            Certificates(CertificateStore(self.database)),
            self.shipments,
            Availability(self.database, OutageStore(self.database), append),
            Readiness({"database": self._database_fault}),
        )
        offered.add(self.sign_in, under=Gate)
        offered.add(Site(self.config.api_public_url))
        offered.add(RepeatStore(self.database), under=Repeats)
        offered.add(REGISTRY, under=CollectorRegistry)
        return offered

    async def _database_fault(self) -> str | None:
        try:
            async with self.database.nameless() as tx:
                await tx.execute("select 1")
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is what the probe is for
            return type(fault).__name__
        return None

    def loop(self, nudge: ShadowDoor, *, sweep_every_s: float) -> Loop:
        """The worker's reconcilers."""
        observer = Observer(
            self.database,
            ObservationStore(),
            self.connectors,
            _Clocks(self.reference),
            country_table(_networks(self.reference)),
            self.timekeeper,
        )
        usage = UsageIntake(self.database, UsageStore(), self.connectors, self.timekeeper)
        workers = Workers(
            resolver=self.resolver,
            stages=self.stages,
            waves=self.waves,
            moving=Moving(self.stores, self.timekeeper),
            carriers=CarrierWorker(self.stores, self.connectors, self.timekeeper, usage=usage),
            bulks=self.bulks,
            arrivals=self.arrivals,
            observer=observer,
            usage=usage,
            outages=Outages(self.database, OutageStore(), self.findings),
            nudges=nudge,
            fleet=self.fleet,
            steerings=self.steerings,
            usage_rules=self.usage_rules,
            events=self.events,
        )
        made: Sequence[Reconciler] = reconcilers(workers, self.stores, self.timekeeper, sweep_every_s=sweep_every_s)
        return Loop(self.database, ObservationStore(), WorkStore(), made, now=self.timekeeper.now)


class _Clocks:
    """Roaming clocks by the set, with the rules of this installation."""

    def __init__(self, reference: Reference) -> None:
        self._rules = reference.rules

    async def read(self, tx: Connection, tenant: TenantId, now: datetime, devices: Sequence[UUID] | None) -> int:
        return await compute_clocks(tx, tenant, self._rules, now, devices)


def _billing(connector: str, verb: str) -> bool | None:
    """Whether a line is billed after a verb; None where the carrier's record does not say."""
    factory = CONNECTORS.get(connector)
    return None if factory is None else capability(factory.manifest.capabilities, Verb(verb)).billable


def check_settings(connector: str, config: Mapping[str, Any]) -> None:
    """Read an account's settings before they are saved. Raises `ValueError` that names the place."""
    if config.get("writes") not in {None, "allowed"}:
        raise ValueError('writes: expected "allowed", or nothing')
    factory = CONNECTORS.get(connector)
    if isinstance(factory, OwnSettings):
        factory.verbs(config)


def fence(tiers: Mapping[str, Tier], *, lab: bool) -> Fence:
    """Why nothing may be changed at an account, as its tier and its owner's permission say now."""
    return lambda connector, config: withheld(tiers.get(connector, Tier.NONE), config, lab=lab)


def ables(tiers: Mapping[str, Tier], *, lab: bool) -> Ables:
    """What may be asked of an account, in the planner's words: nothing where its connector may only read there."""

    def able(connector: str, config: Mapping[str, Any]) -> Able:
        factory = CONNECTORS.get(connector)
        if factory is None:
            return Able()
        why = withheld(tiers.get(connector, Tier.NONE), config, lab=lab)
        if why:
            return Able(withheld=why)
        known = factory.manifest.capabilities.verbs
        if isinstance(factory, OwnSettings):
            try:
                own = factory.verbs(config)
            except ValueError as error:
                return Able(withheld=f"because its settings cannot be read: {error}")
            known = {verb: one for verb, one in known.items() if verb.value in own}
        return Able(meanings={verb.value: one for verb, one in known.items() if one.supported})

    return able


def _networks(reference: Reference) -> dict[str, str]:
    """Country by network, and by MCC where all its networks lie in one country."""
    table = {plmn: network.country for plmn, network in reference.networks.items() if network.country}
    for mcc, countries in reference.mcc_countries.items():
        if len(countries) == 1:
            table[mcc] = next(iter(countries))
    return table
