"""Every screen, and the address at which a house shows it with something on it."""

from typing import Final

from tests.console.conftest import Tenant

# name -> address; what stands in braces is an id of the tenant that is looked at
SCREENS: Final = {
    "home": "/",
    "fleet": "/fleet",
    "device": "/devices/{device}",
    "connectivity": "/connectivity",
    "carrier": "/carriers/{carrier}",
    "subscription": "/subscriptions/{subscription}",
    "policies": "/policies",
    "policy": "/policies/Policy/{policy}",
    "changes": "/changes",
    "change": "/changes/{change}",
    "plan": "/plans/{plan}",
    "bulk": "/bulk/{bulk}",
    "jobs": "/jobs",
    "job": "/jobs/{job}",
    "findings": "/findings",
    "finding": "/findings/{finding}",
    "countries": "/countries",
    "country": "/countries/{country}",
    "journal": "/journal",
    "reference": "/reference",
    "settings": "/settings",
}

# The other faces of those screens: tabs, drawers and forms that are an address too.
FACES: Final = {
    "fleet-filtered": "/fleet?country={country}",
    "device-time": "/devices/{device}?tab=time",
    "device-why": "/devices/{device}?tab=why",
    "device-sessions": "/devices/{device}?tab=sessions",
    "device-identity": "/devices/{device}?tab=identity",
    "connectivity-carriers": "/connectivity?tab=carriers",
    "connectivity-register": "/connectivity?tab=register&account={carrier}",
    "connectivity-baseline": "/connectivity?tab=baseline",
    "connectivity-bulk": "/connectivity?tab=bulk",
    "connectivity-outages": "/connectivity?tab=outages",
    "bulk-waiting": "/bulk/{bulk_waiting}",
    "bulk-refused": "/bulk/{bulk}?state=refused",
    "policy-new": "/policies?new=Policy",
    "policy-edit": "/policies/Policy/{policy}?tab=edit",
    "policy-devices": "/policies/Policy/{policy}?tab=devices",
    "policy-history": "/policies/Policy/{policy}?tab=history",
    "strategy-countries": "/policies/Strategy/{strategy}?tab=countries",
    "changes-plans": "/changes?tab=plans",
    "change-waiting": "/changes/{waiting}",
    "change-impact": "/changes/{change}?tab=impact",
    "change-moves": "/changes/{change}?tab=moves",
    "change-operations": "/changes/{change}?tab=operations",
    "change-waves": "/changes/{change}?tab=waves",
    "countries-clocks": "/countries?view=clocks",
    "journal-verify": "/journal?show=verify",
    "journal-keys": "/journal?show=keys",
    "reference-rules": "/reference?tab=rules",
    "reference-facts": "/reference?tab=facts",
    "settings-people": "/settings?part=people",
    "settings-roles": "/settings?part=roles",
    "settings-tokens": "/settings?part=tokens",
    "settings-provider": "/settings?part=provider",
    "settings-rules": "/settings?part=rules",
    "settings-me": "/settings?part=me",
    "settings-about": "/settings?part=about",
    "findings-closed": "/findings?state=closed&severity=critical",
    "nowhere": "/nothing/here",
}
ALL: Final = SCREENS | FACES
PICTURED: Final = {
    *SCREENS,
    "device-time",
    "device-why",
    "policy-edit",
    "change-waiting",
    "connectivity-bulk",
    "settings-people",
}  # in the docs
DOORS: Final = {"sign-in": "/sign-in", "setup": "/setup"}


def address(name: str, tenant: Tenant) -> str:
    """Where a tenant's screen is."""
    return ALL[name].format(**tenant.ids)
