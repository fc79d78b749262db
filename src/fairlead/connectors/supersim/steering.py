"""Which networks a Super SIM may use: an allow list, kept in a network access profile that a fleet points to.

A profile is found again by its name, which is made from its networks, so asking twice makes one. The
networks of a profile cannot be set in one request later, so no profile is ever changed here.
"""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256

from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.reading import EMPTY, Fields, as_object
from fairlead.connectors._kit.wish import own_refusal
from fairlead.connectors.kore.client import KoreClient
from fairlead.connectors.kore.lines import refused
from fairlead.connectors.supersim.translate import plmns
from fairlead.engine.ports.carrier import NetworkPolicy, NotFound, ReasonCode, Refused, Unavailable
from fairlead.model.identifiers import Plmn

Listing = Callable[[Plmn], Awaitable[Sequence[object]]]  # the networks that carry a PLMN


async def networks_for(policy: NetworkPolicy, listing: Listing) -> tuple[str, ...] | Refused:
    """The SIDs of exactly the networks of an allow list; a refusal where the carrier's do not fit it."""
    if policy.kind != "allow":
        return own_refusal(ReasonCode.UNSUPPORTED, "this carrier knows the networks that are allowed, not those barred")
    if not policy.plmns:
        return own_refusal(ReasonCode.INVALID_REQUEST, "an allow list without a network allows nothing")
    found: dict[str, frozenset[Plmn]] = {}
    for plmn in sorted(policy.plmns, key=str):
        fitting = {_sid(one): plmns(one) for one in await listing(plmn) if plmn in plmns(one)}
        if not fitting:
            return own_refusal(ReasonCode.INVALID_REQUEST, f"the carrier has no network {plmn}")
        found |= fitting
    beyond = frozenset[Plmn]().union(*found.values()) - policy.plmns
    if beyond:
        named = ", ".join(sorted(str(one) for one in beyond))
        detail = f"the carrier sells these networks together with {named}: allow those too, or leave them out"
        return own_refusal(ReasonCode.INVALID_REQUEST, detail)
    return tuple(sorted(found))


async def profile_with(client: KoreClient, networks: Sequence[str]) -> str | Refused:
    """The SID of the profile with these networks, found or made."""
    name = f"fairlead-{sha256(' '.join(sorted(networks)).encode()).hexdigest()[:24]}"
    try:
        return _whole(_sid(await client.get("NetworkAccessProfiles", name)))
    except NotFound:
        answer = await client.make("NetworkAccessProfiles", form={"UniqueName": name, "Networks": list(networks)})
    return refused(answer) if isinstance(answer, Denial) else _whole(_sid(answer.value))


def _whole(sid: str) -> str:
    if not sid:
        raise Unavailable("NetworkAccessProfiles: the reply is not a profile")
    return sid


def _sid(value: object) -> str:
    return Fields(as_object(value) or EMPTY, []).text("sid")
