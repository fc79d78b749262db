"""The networks a SIM is kept to: at Onomondo a list with a name, which SIMs point to.

A list is found again by its name, which is made from its networks, so asking twice makes one. People can
edit a list in the carrier's screens: one that no longer holds what its name says is not used.
"""

from hashlib import sha256

from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.wish import own_refusal
from fairlead.connectors.onomondo.client import OnomondoClient
from fairlead.connectors.onomondo.translate import networks_of
from fairlead.engine.ports.carrier import NetworkPolicy, NotFound, ReasonCode, Refused


def unfit(policy: NetworkPolicy) -> Refused | None:
    """Why a policy cannot go here; an empty block list is no steering, and goes."""
    if policy.kind == "allow":
        empty = "an allow list without a network allows nothing"
        return None if policy.plmns else own_refusal(ReasonCode.INVALID_REQUEST, empty)
    if policy.plmns:
        detail = "this carrier knows the networks that are allowed, not those barred"
        return own_refusal(ReasonCode.UNSUPPORTED, detail)
    return None


async def list_with(client: OnomondoClient, policy: NetworkPolicy) -> str | Refused | None:
    """The name of the list with exactly these networks, found or made; None for no list at all."""
    if not policy.plmns:
        return None
    plmns = sorted(policy.plmns, key=str)
    name = f"fairlead-{sha256(' '.join(map(str, plmns)).encode()).hexdigest()[:24]}"
    try:
        known = networks_of(await client.network_list(name))
    except NotFound:
        answer = await client.add_network_list(name, [{"mcc": one.mcc, "mnc": one.mnc} for one in plmns])
        return answer.refused() if isinstance(answer, Denial) else name
    if known != policy.plmns:
        detail = f"the list {name} was edited at the carrier and holds other networks; delete it there"
        return own_refusal(ReasonCode.PRECONDITION, detail)
    return name
