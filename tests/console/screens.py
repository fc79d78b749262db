"""Every screen, and the address at which a house shows it with something on it."""

from typing import Final

from .conftest import Tenant

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
    "jobs": "/jobs",
    "job": "/jobs/{job}",
    "countries": "/countries",
    "country": "/countries/{country}",
    "journal": "/journal",
    "reference": "/reference",
    "settings": "/settings",
}
DOORS: Final = {"sign-in": "/sign-in", "setup": "/setup"}


def address(name: str, tenant: Tenant) -> str:
    """Where a tenant's screen is."""
    return SCREENS[name].format(**tenant.ids)
