"""How far each connector has been proved, and what that lets it do.

`tiers.toml` is made by `tools/connectors.py` from manifests, claims and a test report; it is data of the
package, so that a server knows it. A connector that is not named there has proved nothing.

A write to a real SIM needs gold. Below that an account reads only, until its owner says otherwise by
name (`writes: "allowed"` in its settings, which leaves a line in the journal). A simulated carrier
is told by its address: in a lab (`env = lab`), loopback is no real carrier's. Whoever tunnels a real one
through loopback has gone round this fence knowingly; in production there is no such gap.
"""

import tomllib
from collections.abc import Mapping
from enum import IntEnum, unique
from importlib.resources import files
from typing import Any, Final

import httpx

from fairlead.connectors._kit.factory import is_loopback

ALLOWED: Final = "allowed"


@unique
class Tier(IntEnum):
    """The quality scale; a higher one holds all of those below."""

    NONE = 0
    BRONZE = 1  # it reads, safely
    SILVER = 2  # it lasts
    GOLD = 3  # it changes things, reversibly
    PLATINUM = 4  # it is watched

    @property
    def word(self) -> str:
        """For people and files."""
        return self.name.lower()


def read_tiers(text: str | None = None) -> dict[str, Tier]:
    """Tier by connector, from the text or the package's own file."""
    source = text or files("fairlead.connectors").joinpath("tiers.toml").read_text(encoding="utf-8")
    return {name: Tier[one["tier"].upper()] for name, one in tomllib.loads(source).items()}


def withheld(tier: Tier, config: Mapping[str, Any], *, lab: bool) -> str:
    """Why nothing may be changed at an account: "because …"; empty where it may."""
    if tier >= Tier.GOLD or config.get("writes") == ALLOWED or (lab and simulated(config)):
        return ""
    known = f"its connector is {tier.word}" if tier else "its connector has not reached bronze"
    return f'because {known}: reads only until it is gold, or the account\'s settings say writes: "{ALLOWED}"'


def simulated(config: Mapping[str, Any]) -> bool:
    """True where an account's address is this very machine's: a simulated carrier, as far as an address can tell."""
    files_at = config.get("files")
    sftp: Any = files_at.get("sftp") if isinstance(files_at, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if isinstance(sftp, dict):
        return is_loopback(str(sftp.get("host", "")))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    try:
        return is_loopback(httpx.URL(str(config.get("base_url", ""))).host)
    except httpx.InvalidURL:
        return False
