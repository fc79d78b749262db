"""`/v1/steering` and `/v1/usage-rules`: what kept rules come to at each carrier account, as last judged."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from fairlead.edge.api.door import Caller, NowOf, ServicesOf, permit
from fairlead.edge.api.paging import CursorText, Limit, Page, read_cursor, write_cursor
from fairlead.edge.api.problems import invalid
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import age_s
from fairlead.engine.ports.steering import Kept
from fairlead.engine.steerings import Steerings
from fairlead.engine.usage_rules import UsageRules

router = make_router("/v1", "policies")

Name = Annotated[str | None, Query(max_length=63, description="only of this name")]
Reader = Annotated[Caller, Depends(permit("policies.read"))]


class SteeringAtAccount(BaseModel):
    """One steering at one account."""

    name: str
    revision: int
    account: str = Field(description="empty: the steering matches no line")
    judged_at: datetime
    age_s: int | None
    lines: int = Field(description="that it matches there")
    possible: bool = Field(description="whether there is a list for it there")
    because: str = Field(description="why not", examples=["the carrier keeps no list of networks"])
    kind: Literal["allow", "block", ""]
    plmns: list[str] = Field(examples=[["262-01", "262-02"]])
    notes: list[str] = Field(description="what the list cannot hold of the steering: order, conditions, price")
    standing: dict[str, int] = Field(
        description="lines by how they stand: set, under way, waiting (for a person), due, refused, failed, "
        "person (set otherwise by one: left alone), clash (two steerings match: neither sets it)"
    )


class UsageRuleAtAccount(BaseModel):
    """One usage rule at one account."""

    name: str
    revision: int
    account: str = Field(description="empty: the rule matches no line")
    judged_at: datetime
    age_s: int | None
    lines: int = Field(description="that it matches there")
    judged: int = Field(description="of them, by data that was fresh enough")
    crossed: int = Field(description="beyond the measure, those that are held for it included")
    stale: int = Field(description="their data is older than the rule takes")
    unknown: int = Field(description="nothing, or not the whole window, is known of them")
    cannot: int = Field(description="the carrier's data can never tell")
    cannot_because: str = Field(examples=["its usage lags 48 h, which is longer than the rule's 24 h"])
    oldest: datetime | None = Field(description="the data of every line that was judged reaches to here at least")
    action: str | None = Field(description="the verb that the carrier is asked for; null: it is only told")
    action_because: str = Field(description="why it is only told, where the rule asks for more")
    waits_because: str = Field(description="why a person is asked each time")
    lines_by_state: dict[str, int] = Field(
        description="told, waiting (for a person), acting, held, going_back, not_done"
    )


@router.get("/steering", summary="What steering comes to at each account")
async def list_steering(
    caller: Reader, offered: ServicesOf, now: NowOf, name: Name = None, limit: Limit = 100, cursor: CursorText = None
) -> Page[SteeringAtAccount]:
    """By steering and account: its list, what that cannot hold, how the lines stand; or why there is none."""
    found = await offered.of(Steerings).kept(caller.tenant, _after(cursor), limit + 1, name)
    empty: dict[str, Any] = {"possible": False, "because": "", "kind": "", "plmns": [], "notes": [], "standing": {}}
    items = [SteeringAtAccount.model_validate(empty | dict(one.verdict) | _named(one, now)) for one in found[:limit]]
    return Page(items=items, next=_next(found, limit))


@router.get("/usage-rules", summary="What usage rules come to at each account")
async def list_usage_rules(
    caller: Reader, offered: ServicesOf, now: NowOf, name: Name = None, limit: Limit = 100, cursor: CursorText = None
) -> Page[UsageRuleAtAccount]:
    """By rule and account: lines judged, crossed and acted upon, and why the others could not be judged."""
    found = await offered.of(UsageRules).kept(caller.tenant, _after(cursor), limit + 1, name)
    counts: dict[str, Any] = dict.fromkeys(("judged", "crossed", "stale", "unknown", "cannot"), 0)
    words = dict.fromkeys(("cannot_because", "action_because", "waits_because"), "")
    empty: dict[str, Any] = counts | words | {"oldest": None, "action": None, "lines_by_state": {}}
    items = [UsageRuleAtAccount.model_validate(empty | dict(one.verdict) | _named(one, now)) for one in found[:limit]]
    return Page(items=items, next=_next(found, limit))


def _after(cursor: str | None) -> tuple[str, str]:
    found = read_cursor(cursor, 2)
    if found is None:
        return "", ""
    if not all(isinstance(one, str) for one in found):
        raise invalid("cursor", cursor, "the `next` of a page of this same list")
    return found[0], found[1]


def _next(found: list[Kept], limit: int) -> str | None:
    return write_cursor(found[limit - 1].name, found[limit - 1].account) if len(found) > limit else None


def _named(one: Kept, now: datetime) -> dict[str, object]:
    return {
        "name": one.name,
        "revision": one.revision,
        "account": one.account,
        "judged_at": one.judged_at,
        "age_s": age_s(one.judged_at, now),
    }
