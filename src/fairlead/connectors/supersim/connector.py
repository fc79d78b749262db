"""Super SIM behind the carrier port.

A SIM has a status and a fleet; limit, networks and SMS belong to the fleet and bind every SIM in it.
So they are set only where a SIM is alone in its fleet, and the refusal says how many others there
are and what to do instead. No call ends a SIM, and none takes it out of its fleet.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Final

from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.manifest import manifest_of
from fairlead.connectors._kit.reading import as_object
from fairlead.connectors._kit.wish import Wish, network_value, own_refusal
from fairlead.connectors.kore.lines import Lines, refused
from fairlead.connectors.kore.pending import Since
from fairlead.connectors.kore.records import text_of
from fairlead.connectors.supersim import steering, translate
from fairlead.engine.ports.carrier import (
    Done,
    Group,
    NetworkPolicy,
    NotFound,
    Outcome,
    OutcomeUnknown,
    ProviderId,
    ReasonCode,
    Refused,
    SimRecord,
    UsagePeriod,
)
from fairlead.model.identifiers import Plmn
from fairlead.model.subscription import Freshness, Verb

MANIFEST: Final = manifest_of("fairlead.connectors.supersim")
_HIGHEST: Final = 2_000_000  # MB of a fleet's limit
_USAGE_PAGE: Final = 249


class SuperSimConnector(Lines):
    """One Super SIM account."""

    messages: ClassVar[str] = "SmsCommands"
    status: ClassVar[Mapping[Verb, str]] = {Verb.ACTIVATE: "active", Verb.SUSPEND: "inactive"}

    def _read(self, value: object, seen: Freshness) -> SimRecord | None:
        return translate.sim(value, seen, self._manifest.capabilities)

    def _message(self, sim: ProviderId, text: str) -> Mapping[str, str]:
        return {"Sim": sim, "Payload": text}

    # --- reads

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The SIM now, with what its fleet says: up to three requests."""
        record = await self._line(sim)
        if not record.group:
            return record
        try:  # `NotFound` from here on is not about the SIM
            fleet = translate.fleet(await self._client.get("Fleets", record.group))
            policy = await self._policy(fleet.profile) if fleet is not None and fleet.profile else None
        except NotFound as gone:
            return replace(record, complaints=(*record.complaints, f"fleet_sid: {gone.detail}"))
        return translate.shared(record, fleet, policy, self._manifest.capabilities)

    async def _policy(self, profile: str) -> NetworkPolicy:
        limit = self._manifest.page_size
        networks = await self._all("NetworkAccessProfiles", profile, "Networks", key="networks", limit=limit)
        allowed = frozenset[Plmn]().union(*(translate.plmns(one) for one in networks))
        return NetworkPolicy(kind="allow", plmns=allowed)

    async def read_usage(
        self, sim: ProviderId, *, since: datetime, until: datetime, granularity: str
    ) -> tuple[UsagePeriod, ...]:
        """Usage by `hour`, `day`, or `all` of the period as one."""
        seen = self._fresh()
        span = {"Sim": sim, "Granularity": granularity, "StartTime": text_of(since), "EndTime": text_of(until)}
        values = await self._all("UsageRecords", key="usage_records", limit=_USAGE_PAGE, params=span)
        return translate.usage(sim, values, seen, self.lag_final)

    async def list_groups(self) -> tuple[Group, ...]:
        """All fleets of the account."""
        return translate.groups(await self._all("Fleets", key="fleets", limit=self._manifest.page_size))

    async def _failure(self, sim: ProviderId, since: Since) -> Refused | None:
        asked = {"Sim": sim, "Status": "failed"}
        updates = await self._all(
            "SettingsUpdates", key="settings_updates", limit=self._manifest.page_size, params=asked
        )
        if translate.failed_since(updates, since):
            return own_refusal(ReasonCode.REJECTED_BY_NETWORK, "the update of the SIM's settings has failed")
        return None

    # --- what a fleet says

    async def set_group(self, sim: ProviderId, group: str) -> Outcome:
        """Put the SIM into a fleet."""
        fleet = translate.fleet(await self._client.get("Fleets", group))
        if fleet is None:
            raise NotFound(f"no fleet {group}")
        before = await self._line(sim)
        return await self._set(before, Wish(kind="group", value=fleet.id), {"Fleet": fleet.id})

    async def unset_group(self, sim: ProviderId) -> Outcome:
        """A SIM goes from fleet to fleet; nothing takes it out of all of them."""
        before = await self._line(sim)
        if not before.group:
            return Done(observed=before, changed=False)
        return own_refusal(ReasonCode.UNSUPPORTED, "a SIM can be put into another fleet, not out of all fleets")

    async def set_limit(self, sim: ProviderId, limit_bytes: int | None) -> Outcome:
        """Set the limit of a SIM's fleet, where it is alone in it."""
        if limit_bytes is None:
            detail = "a fleet always has a limit; the highest is 2 TB in a billing period"
            return own_refusal(ReasonCode.UNSUPPORTED, detail)
        megabytes, odd = divmod(limit_bytes, translate.MEGABYTE)
        if odd or not 1 <= megabytes <= _HIGHEST:
            detail = f"expected whole megabytes (1,000,000 bytes) from 1 to {_HIGHEST}, not {limit_bytes} bytes"
            return own_refusal(ReasonCode.INVALID_REQUEST, detail)
        before = await self.read_sim(sim)
        return await self._set_fleet(
            before, Wish(kind="limit", value=str(limit_bytes)), {"DataLimit": str(megabytes)}, "limit"
        )

    async def set_network_policy(self, sim: ProviderId, policy: NetworkPolicy) -> Outcome:
        """Point a SIM's fleet to the profile with these networks, where it is alone in it."""
        networks = await steering.networks_for(policy, self._networks)
        if isinstance(networks, Refused):
            return networks
        before = await self.read_sim(sim)
        wish = Wish(kind="networks", value=network_value(policy))
        barred = None if wish.met(before) else await self._not_alone(before, "list of networks")
        if wish.met(before) or barred is not None:
            return barred or Done(observed=before, changed=False)
        profile = await steering.profile_with(self._client, networks)
        if isinstance(profile, Refused):
            return profile
        return await self._set_fleet(before, wish, {"NetworkAccessProfile": profile}, "", policy)

    async def _networks(self, plmn: Plmn) -> list[object]:
        asked = {"Mcc": plmn.mcc, "Mnc": plmn.mnc}
        return await self._all("Networks", key="networks", limit=self._manifest.page_size, params=asked)

    async def _set_fleet(
        self,
        before: SimRecord,
        wish: Wish,
        form: Mapping[str, str],
        what: str,
        policy: NetworkPolicy | None = None,
    ) -> Outcome:
        """Change the fleet of a SIM that is alone in it; asked before where `what` is empty."""
        if wish.met(before):
            return Done(observed=before, changed=False)
        barred = await self._not_alone(before, what) if what else None
        if barred is not None:
            return barred
        sent_at = self._fresh()
        answer = await self._client.change("Fleets", before.group, form=form)
        if isinstance(answer, Denial):
            return refused(answer)
        fleet = translate.fleet(answer.value) if as_object(answer.value) is not None else None
        if fleet is None or fleet.id != before.group:
            raise OutcomeUnknown(f"fleet {before.group}: the carrier answered {answer.status} without that fleet")
        taken = fleet.profile == form.get("NetworkAccessProfile")
        after = replace(
            before,
            limit=fleet.limit,
            network_policy=policy if policy is not None and taken else before.network_policy,
            freshness=sent_at,
        )
        return (
            Done(observed=after) if wish.met(after) else self._wait(wish, after, self._from(after, sent_at.observed_at))
        )

    async def _not_alone(self, record: SimRecord, what: str) -> Refused | None:
        """Why the fleet of this SIM is not touched."""
        if not record.group:
            return own_refusal(ReasonCode.PRECONDITION, f"this SIM is in no fleet, and the {what} belongs to a fleet")
        lines, onward = await self._client.page("Sims", key="sims", limit=50, params={"Fleet": record.group})
        sids = {(as_object(line) or {}).get("sid") for line in lines} - {record.provider_id}
        if not sids and onward is None:
            return None
        count = f"{len(sids)}{' or more' if onward is not None else ''}"
        detail = (
            f"the {what} belongs to fleet {record.group} and would change for {count} other SIMs in it: "
            "put this SIM into a fleet of its own, or into one that has the wanted setting (set_group)"
        )
        return own_refusal(ReasonCode.PRECONDITION, detail)
