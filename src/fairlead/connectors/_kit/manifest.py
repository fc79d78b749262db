"""Reads a connector's `manifest.toml` into the port's `Manifest`, refusing what it does not know.

Durations are seconds in fields that end in `_s`. Called once per connector, at import of its factory.
"""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from importlib.resources import files
from typing import Any, TypeVar

import msgspec

from fairlead.engine.ports.carrier import (
    CAPABILITIES,
    CARRIED_BY,
    ActionClass,
    CallClass,
    ContractKind,
    Identity,
    Limit,
    Manifest,
    WebhookKind,
)
from fairlead.model.subscription import CapabilityRecord, UsageCapability, Verb, VerbCapability


class MalformedManifest(ValueError):
    """A manifest that cannot be read; names the field and what was expected."""


class _Auth(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    fields: tuple[str, ...]
    optional: tuple[str, ...] = ()
    url: str = ""
    identity: tuple[str, ...] = ()
    identity_settings: tuple[str, ...] = ()
    realm: str = ""


class _Limit(msgspec.Struct, forbid_unknown_fields=True):
    per_second: float
    burst: int


class _Verb(msgspec.Struct, forbid_unknown_fields=True):
    supported: bool = True
    because: str = ""
    reversible: bool = True
    mode: str = "sync"
    typical_s: float = 1
    longest_s: float = 60
    bulk_max: int = 1
    billable: bool | None = None
    traffic_after: str = "unknown"
    needs: tuple[str, ...] = ()


class _Usage(msgspec.Struct, forbid_unknown_fields=True):
    granularities: tuple[str, ...]
    lag_typical_s: float
    lag_final_s: float
    retention_days: int
    source: str
    zone_split: bool
    readable_after_terminate: bool


class _File(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    name: str
    owner: str
    kinds: tuple[str, ...]
    regions: tuple[str, ...]
    experimental: bool
    contract: ContractKind
    api_version: str
    api_documentation: str
    base_url: str
    implements: tuple[str, ...]
    page_size: int
    state_staleness_s: float
    session_staleness_s: float
    read_after_write_s: float
    limit_scope: str
    steering: str
    location: str
    idempotent: str
    auth: _Auth
    limits: dict[str, _Limit]
    verbs: dict[Verb, _Verb]
    usage: _Usage | None = None
    steering_scope: str = "sim"
    steering_by: str = "plmn"
    steering_most: int | None = None
    speeds: dict[str, int] = {}
    webhook: WebhookKind = "none"
    action_budget: dict[ActionClass, int] = {}
    required_settings: tuple[str, ...] = ()


def manifest_of(package: str, name: str = "manifest.toml") -> Manifest:
    """The manifest that lies in a connector's package; raises `MalformedManifest`."""
    return read_manifest(files(package).joinpath(name).read_text(encoding="utf-8"))


def read_manifest(text: str) -> Manifest:
    """Read a manifest; raises `MalformedManifest`."""
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
        return _manifest(file)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MalformedManifest(str(error)) from error


def _manifest(file: _File) -> Manifest:
    unknown = set(file.implements) - set(CAPABILITIES)
    if unknown:
        raise MalformedManifest(f"implements: {sorted(unknown)} are none of {sorted(CAPABILITIES)}")
    _honest(file)
    limits = msgspec.convert(
        {name: {"per_second": one.per_second, "burst": one.burst} for name, one in file.limits.items()},
        dict[CallClass, Limit],
    )
    missing = {"auth", "read", "write"} - set(limits)
    if missing:
        raise MalformedManifest(f"limits: {sorted(missing)} missing; each of auth, read and write needs a bucket")
    for name, limit in limits.items():
        if limit.per_second <= 0 or limit.burst < 1:
            raise MalformedManifest(f"limits.{name}: expected per_second above 0 and a burst of at least 1")
    return Manifest(
        id=file.id,
        name=file.name,
        kinds=file.kinds,
        experimental=file.experimental,
        api_version=file.api_version,
        auth_kind=file.auth.kind,
        auth_fields=file.auth.fields,
        auth_optional=file.auth.optional,
        auth_url=file.auth.url,
        identity=Identity(
            realm=file.auth.realm or file.id, fields=file.auth.identity, settings=file.auth.identity_settings
        ),
        base_url=file.base_url,
        implements=file.implements,
        limits=limits,
        page_size=file.page_size,
        capabilities=_record(file),
        contract=file.contract,
        webhook=file.webhook,
        action_budget=file.action_budget,
        required_settings=file.required_settings,
    )


def _honest(file: _File) -> None:
    """Claims that would contradict each other are refused."""
    has = set(file.implements)
    for verb, one in file.verbs.items():
        needed = CARRIED_BY.get(verb)
        if one.supported and needed is not None and needed not in has:
            raise MalformedManifest(f"verbs.{verb}: supported, but implements lacks {needed}")
        if one.bulk_max > 1 and "ChangesMany" not in has:
            raise MalformedManifest(f"verbs.{verb}: bulk_max above 1, but implements lacks ChangesMany")
    if file.contract == "reconstruction" and not file.experimental:
        raise MalformedManifest("experimental: expected true, since a reconstructed contract proves nothing")
    if not file.auth.identity and not file.auth.identity_settings:
        raise MalformedManifest("auth.identity: expected the credential fields, or auth.identity_settings, that tell")
    if not set(file.auth.identity) <= set(file.auth.fields):
        raise MalformedManifest(f"auth.identity: expected some of {sorted(file.auth.fields)}")
    if (file.webhook != "none") != ("Hears" in has):
        raise MalformedManifest("webhook: expected a kind exactly where implements has Hears")
    if any(allowed < 1 for allowed in file.action_budget.values()):
        raise MalformedManifest("action_budget: expected at least 1 action per line and day")


def _record(file: _File) -> CapabilityRecord:
    fields: dict[str, Any] = {
        "version": f"{file.id}/{file.api_version}",
        "verbs": {verb: _verb(one) for verb, one in file.verbs.items()},
        "usage": _usage(file.usage) if file.usage else None,
        "limit_scope": file.limit_scope,
        "steering": file.steering,
        "speeds": file.speeds,
        "steering_scope": file.steering_scope,
        "steering_by": file.steering_by,
        "steering_most": file.steering_most,
        "location": file.location,
        "idempotent": file.idempotent,
        "state_staleness": timedelta(seconds=file.state_staleness_s),
        "session_staleness": timedelta(seconds=file.session_staleness_s),
        "read_after_write": timedelta(seconds=file.read_after_write_s),
    }
    return _checked(fields, CapabilityRecord)


_T = TypeVar("_T")


def _checked(fields: Mapping[str, Any], kind: type[_T]) -> _T:
    """Build a value of the model, its closed words checked."""
    return msgspec.convert(fields, kind)


def _verb(one: _Verb) -> VerbCapability:
    fields = msgspec.structs.asdict(one)
    fields["typical"] = timedelta(seconds=fields.pop("typical_s"))
    fields["longest"] = timedelta(seconds=fields.pop("longest_s"))
    return _checked(fields, VerbCapability)


def _usage(one: _Usage) -> UsageCapability:
    fields = msgspec.structs.asdict(one)
    fields["lag_typical"] = timedelta(seconds=fields.pop("lag_typical_s"))
    fields["lag_final"] = timedelta(seconds=fields.pop("lag_final_s"))
    fields["retention"] = timedelta(days=fields.pop("retention_days"))
    return _checked(fields, UsageCapability)
