"""`/v1/policies/counts` and `…/{kind}/{name}/devices`: who stands in a policy, who waits, whom a bar keeps out."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from fairlead.edge.api.door import Caller, ServicesOf, permit
from fairlead.edge.api.paging import CursorText, Limit, Page, read_cursor, write_cursor
from fairlead.edge.api.plans import Kind
from fairlead.edge.api.problems import invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of
from fairlead.engine.memberships import Memberships
from fairlead.model.ids import show
from fairlead.policy.admission import ExceptionKind

router = make_router("/v1/policies", "policies")

Reader = Annotated[Caller, Depends(permit("policies.read"))]
WholeReader = Annotated[Caller, Depends(permit("policies.read", everywhere=True))]
StandingWord = Literal["in_force", "waiting_in", "waiting_out", "barred", "held_out"]
_EXCEPTIONS: Final = {
    "waiting_in": ExceptionKind.WAITING_IN, "waiting_out": ExceptionKind.WAITING_OUT, "barred": ExceptionKind.BARRED,
    "held_out": ExceptionKind.HELD_OUT,
}  # fmt: skip


class PolicyCount(BaseModel):
    """A policy in figures."""

    kind: str = Field(examples=["Policy"])
    name: str = Field(examples=["brazil-local"])
    in_force: int | None = Field(description="devices that stand in it; null where counting would take too long")
    waiting_in: int = Field(description="match, and wait to be let in")
    waiting_out: int = Field(description="should leave, and wait for it")
    barred: int = Field(description="kept out since a rollback")
    held_out: int = Field(description="kept out to compare the others with")


class PolicyCounts(BaseModel):
    """Policies that hold a device, or keep one waiting or out."""

    items: list[PolicyCount]
    counted: bool = Field(description="whether a policy that is not listed holds nobody; false: it is not known")


class StandingDevice(BaseModel):
    """A device in its relation to a policy."""

    id: str = Field(examples=["dev_06f0000000e0080000000000000"])
    name: str
    group: str | None
    since: datetime | None = Field(description="waiting, barred or held out since; null for those in force")
    revision: int | None = Field(description="of the policy, that it waits for or is barred from")
    change: str | None = Field(description="the Change that put it there")


@router.get("/counts", summary="Policies with how many devices stand in them")
async def count_policies(caller: WholeReader, all_: ServicesOf) -> PolicyCounts:
    """Counted now, over the whole fleet, in bounded time."""
    found = await all_.of(Memberships).figures(caller.tenant)
    return PolicyCounts(
        items=[
            PolicyCount(
                kind=one.kind, name=one.name, in_force=one.in_force,
                **{word: one.excepted.get(kind, 0) for word, kind in _EXCEPTIONS.items()},
            )
            for one in found.standings
        ],
        counted=found.counted,
    )  # fmt: skip


@router.get("/{kind}/{name}/devices", summary="Devices in a policy, waiting for it or barred from it")
async def list_devices_of_policy(
    kind: Kind, name: str, caller: Reader, all_: ServicesOf,
    standing: Annotated[StandingWord, Query(description="in what relation to the policy")] = "in_force",
    limit: Limit = 100, cursor: CursorText = None,
) -> Page[StandingDevice]:  # fmt: skip
    """Those in force by id; the others with the longest in line first."""
    members = all_.of(Memberships)
    if standing == "in_force":
        after = read_cursor(cursor, 1)
        page = await members.in_force(
            actor_of(caller), kind, name, after=_uuid(after[0], cursor) if after else None, limit=limit
        )
        if page is None:
            raise not_found(kind, name)
        return Page(
            items=[
                StandingDevice(
                    id=show("dev", one.device), name=one.name, group=one.group, since=None, revision=None, change=None
                )
                for one in page.found
            ],
            next=write_cursor(str(page.next)) if page.next else None,
            complete=page.complete,
        )
    parts = read_cursor(cursor, 2)
    place = (_instant(parts[0], cursor), _uuid(parts[1], cursor)) if parts else None
    found = await members.excepted(actor_of(caller), kind, name, _EXCEPTIONS[standing], after=place, limit=limit)
    if found is None:
        raise not_found(kind, name)
    last = found[-1] if len(found) == limit else None
    return Page(
        items=[
            StandingDevice(
                id=show("dev", one.device), name=one.name, group=one.group, since=one.since, revision=one.revision,
                change=show("chg", one.change) if one.change else None,
            )
            for one in found
        ],
        next=write_cursor(last.since.isoformat(), str(last.device)) if last else None,
    )  # fmt: skip


def _uuid(part: object, cursor: str | None) -> UUID:
    try:
        return UUID(str(part))
    except ValueError as bad:
        raise invalid("cursor", cursor, "the `next` of a page of this same list") from bad


def _instant(part: object, cursor: str | None) -> datetime:
    try:
        found = datetime.fromisoformat(str(part))
    except ValueError as bad:
        raise invalid("cursor", cursor, "the `next` of a page of this same list") from bad
    if found.tzinfo is None:
        raise invalid("cursor", cursor, "the `next` of a page of this same list")
    return found
