"""What a connector says about itself, and the door itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from fairlead.engine.ports.carrier.instance import CarrierInstance
from fairlead.model.subscription import CapabilityRecord

CallClass = Literal["auth", "read", "write", "bulk"]

# Verbs that share a line's daily allowance at a carrier that has one; `any` counts every change.
ActionClass = Literal["any", "state", "plan", "setting", "group", "profile", "sms", "reset"]

# Whose word the connector was built and judged on. A reconstruction may hint and never judges.
ContractKind = Literal["first-party", "documentation", "reconstruction"]

# What proves the sender of a webhook: a signature over the body, a shared secret in a header or in it, or
# nothing but an address that cannot be guessed.
WebhookKind = Literal["none", "signature", "token", "path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A token bucket: `burst` at once, refilled `per_second`. Real time."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What tells one account at a carrier from another, so that a tenant does not keep the same one twice."""

    realm: str  # within which the values tell accounts apart: one carrier, whichever of its interfaces is spoken
    fields: tuple[str, ...] = ()  # of the credential, such as the name of its user; secrets that change are none
    settings: tuple[str, ...] = ()  # of the account, as dotted paths, such as files.folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a connector says about itself (its `manifest.toml`), typed."""

    id: str
    name: str
    kinds: tuple[str, ...]  # carrier, smdp, sink
    experimental: bool
    api_version: str
    auth_kind: str
    auth_fields: tuple[str, ...]  # names in `Credential.fields`
    base_url: str  # default; an account may override it
    implements: tuple[str, ...]  # names in CAPABILITIES; a test holds class and manifest equal
    limits: Mapping[CallClass, Limit]
    page_size: int
    capabilities: CapabilityRecord

    identity: Identity
    contract: ContractKind = "documentation"
    webhook: WebhookKind = "none"
    auth_url: str = ""  # where tokens are fetched, where that is another address than `base_url`
    auth_optional: tuple[str, ...] = ()  # further names a credential may hold, such as a webhook's secret
    action_budget: Mapping[ActionClass, int] = field(default_factory=dict[ActionClass, int])  # per line and day
    required_settings: tuple[str, ...] = ()  # what an account's settings must hold, such as an address nobody can guess


class Connector(Protocol):
    """An open door to one carrier account. Ask for capabilities with `isinstance(connector, ReadsUsage)`."""

    @property
    def instance(self) -> CarrierInstance:
        """Whose door this is."""
        ...

    @property
    def manifest(self) -> Manifest:
        """What it can do."""
        ...

    async def check(self) -> None:
        """Prove the credential with one harmless call, before an account is saved. Raises `AuthFailed`."""
        ...
