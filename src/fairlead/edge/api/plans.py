"""`/v1/plans`, `/v1/policies`, `/v1/strategies`: what should be, and what it would do."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from fairlead.edge.api.door import Caller, NowOf, ServicesOf, permit
from fairlead.edge.api.paging import CursorText, Limit, Page, read_cursor, read_id_cursor, write_cursor
from fairlead.edge.api.problems import FieldError, Problem, invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of, id_of
from fairlead.engine.actions import MOST_NAMES, ActionAsked, ActionVerb, Chosen
from fairlead.engine.changes import Changes, Conflict, NoSuchChange
from fairlead.engine.plans import File, Hand, Planner, Refused, Removal
from fairlead.engine.ports.planning import PlanRow
from fairlead.engine.stories import Stories
from fairlead.engine.strategies import Strategies
from fairlead.model.facts import contexts
from fairlead.model.ids import show
from fairlead.model.life import LineEnd
from fairlead.model.resources import API_VERSION, NO_DRIVER_YET, Condition, Fault
from fairlead.model.rollout import BadRollout, Rollout, read_rollout
from fairlead.policy.check import FUNCTIONS, read_expression
from fairlead.policy.describe import facets_described, kinds_described
from fairlead.policy.proof import TestOutcome, tried
from fairlead.policy.read import read_resources
from fairlead.policy.syntax import Refusal

router = make_router("/v1", "plans")

Reader = Annotated[Caller, Depends(permit("plans.read"))]
Maker = Annotated[Caller, Depends(permit("plans.make"))]
Applier = Annotated[Caller, Depends(permit("changes.apply", everywhere=True))]
PolicyReader = Annotated[Caller, Depends(permit("policies.read"))]

Kind = Literal["Policy", "Strategy", "Steering", "SessionPolicy", "Grant", "UsageRule"]


class FileSent(BaseModel):
    """A file of resources."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="-", max_length=200, examples=["brazil.yaml"])
    text: str = Field(max_length=1_000_000, description="YAML 1.2, one or more documents")


class RemovalSent(BaseModel):
    """A resource that should end."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = "Policy"
    name: str = Field(max_length=63)


class ActionSent(BaseModel):
    """What is asked of given devices: it becomes a policy of its own, and a plan like any other."""

    model_config = ConfigDict(extra="forbid")

    verb: ActionVerb
    devices: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list[str], max_length=MOST_NAMES, description="names; or say which with `match`"
    )
    match: str | None = Field(default=None, max_length=8_192, examples=['country == "BR" && batch == "2027-03"'])
    lasts_s: int | None = Field(
        default=None, ge=60, le=5 * 366 * 86_400,
        description="seconds of house time after which it is taken back; not with activate and retire",
    )  # fmt: skip
    wipe: bool = Field(default=True, description="with retire: the device erases its data and says so")
    subscription: LineEnd = Field(default="deactivated", description="with retire: what becomes of its subscriptions")
    reason: str = Field(default="", max_length=500)


class PlanSent(BaseModel):
    """What to plan: files and removals, or one action."""

    model_config = ConfigDict(extra="forbid")

    files: list[FileSent] = Field(default_factory=list[FileSent], max_length=500)
    removals: list[RemovalSent] = Field(default_factory=list[RemovalSent], max_length=500)
    action: ActionSent | None = None


class CheckSent(BaseModel):
    """Files to check."""

    model_config = ConfigDict(extra="forbid")

    files: list[FileSent] = Field(min_length=1, max_length=500)


class TestShown(BaseModel):
    """A test beside a rule, and what came of it."""

    __test__ = False  # no test of ours, whatever its name begins with

    resource: str = Field(examples=["Policy/brazil-local"])
    file: str
    line: int
    expected: str
    found: str
    passed: bool


class Checked(BaseModel):
    """What a check found."""

    ok: bool = Field(description="no fault; a failing test is none here, and refuses a plan")
    resources: list[str] = Field(examples=[["Policy/brazil-local"]])
    errors: list[dict[str, Any]]
    tests: list[TestShown] = Field(description="tests of the resources that were read, with what came of each")


class PlanShown(BaseModel):
    """A plan: nothing has moved."""

    id: str = Field(examples=["plan_06e1x3c0000000000000000000"])
    created_at: datetime
    expires_at: datetime
    author: str
    resources: list[dict[str, Any]]
    summary: dict[str, Any] = Field(description="impact on devices, cost and law; situations with their recipes")
    tolerance: float = Field(description="share of the planned devices that may have moved at apply")
    applied: str | None = Field(description="the Change it became")


class ApplySent(BaseModel):
    """How to apply a plan."""

    model_config = ConfigDict(extra="forbid")

    rollout: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        examples=[{"stages": [5, 25, 100], "gate": {"max_failed": 0.1}, "on_failure": "rollback"}],
    )
    title: str = Field(default="", max_length=200)
    reason: str = Field(default="", max_length=2_000)
    emergency: bool = False


class ChangeRef(BaseModel):
    """A Change that was made, or had been made before."""

    id: str
    title: str
    state: str


class ChoiceShown(BaseModel):
    """One country under a strategy."""

    country: str
    use: str | None = Field(description="local-profile, multi-imsi or roaming; null where no tier holds")
    ground: str | None = Field(description="what decided: law, country, region or tier")
    tier: int | None
    reason: str
    devices: int
    roaming: int = Field(description="of them, on a foreign SIM today")
    stance: str
    confidence: str


class StrategyShown(BaseModel):
    """A strategy against the present fleet."""

    name: str
    items: list[ChoiceShown]
    notice: str = "not legal advice"


@router.post("/plans", status_code=201, summary="Plan: what would these resources do?")
async def make_plan(sent: PlanSent, caller: Maker, all_: ServicesOf, now: NowOf) -> PlanShown:
    """Read the files, run their tests, judge the fleet, and keep what would happen for a week."""
    if sent.action is not None:
        if sent.files or sent.removals:
            raise invalid("/action", sent.action.verb, "nothing beside it: a plan is of files or of one action")
        made = await all_.of(Planner).act(caller.tenant, hand_of(caller), _action(sent.action), now)
    elif sent.files or sent.removals:
        made = await all_.of(Planner).make(
            caller.tenant,
            hand_of(caller),
            [File(name=f.name, text=f.text) for f in sent.files],
            removals=[Removal(kind=r.kind, name=r.name) for r in sent.removals],
            now=now,
        )
    else:
        raise invalid("/files", [], "at least one file, one removal or an action")
    if isinstance(made, Refused):
        raise Problem(
            422,
            "resources-refused",
            "The resources are refused",
            f"{len(made.faults)} fault(s); nothing was planned",
            errors=[_error(f) for f in made.faults],
            extra={"faults": [_fault(f) for f in made.faults]},
        )
    return plan_shown(made)


@router.get("/plans", summary="Plans, newest first")
async def list_plans(caller: Reader, all_: ServicesOf, limit: Limit = 50, cursor: CursorText = None) -> Page[PlanShown]:
    """Plans without the situations' members."""
    after = read_id_cursor(cursor)
    rows = await all_.of(Stories).plans(caller.tenant, after, limit)
    following = write_cursor(str(rows[-1].id)) if len(rows) == limit else None
    return Page(items=[plan_shown(row) for row in rows], next=following)


@router.get("/plans/{plan}", summary="One plan")
async def read_plan(plan: str, caller: Reader, all_: ServicesOf) -> PlanShown:
    """A plan by its id."""
    row = await all_.of(Stories).plan(caller.tenant, id_of("plan", plan))
    if row is None:
        raise not_found("plan", plan)
    return plan_shown(row)


@router.post("/plans/{plan}/apply", status_code=201, summary="Apply a plan: it becomes a Change")
async def apply_plan(
    plan: str, sent: ApplySent, caller: Applier, all_: ServicesOf, now: NowOf, response: Response
) -> ChangeRef:
    """409 with the differences when facts have moved under the plan. Applied twice it is the same Change."""
    try:
        made = await all_.of(Changes).apply(
            caller.tenant,
            hand_of(caller),
            id_of("plan", plan),
            rollout=_rollout(sent.rollout),
            title=sent.title,
            reason=sent.reason,
            emergency=sent.emergency,
            now=now,
        )
    except NoSuchChange as missing:
        raise not_found("plan", plan) from missing
    if isinstance(made, Conflict):
        raise conflict(made)
    shown = show("chg", made.id)
    response.headers["Location"] = f"/v1/changes/{shown}"
    return ChangeRef(id=shown, title=made.title, state=made.state.name.lower())


@router.post("/policies/check", summary="Check resources without planning")
async def check(sent: CheckSent, caller: PolicyReader, now: NowOf) -> Checked:
    """Syntax, types and names, and the tests beside the rules; the fleet is not looked at."""
    del caller
    names: list[str] = []
    faults: list[Fault] = []
    tests: list[TestShown] = []
    for file in sent.files:
        resources, bad = read_resources(file.text, file=file.name)
        names += [f"{type(r).__name__}/{r.metadata.name}" for r in resources]
        faults += bad
        tests += [_test(file.name, outcome) for resource in resources for outcome in tried(resource, now)]
    return Checked(ok=not faults, resources=names, errors=[_fault(f) for f in faults], tests=tests)


class FieldOfKind(BaseModel):
    """One field of a resource."""

    path: str = Field(
        examples=["spec.set.network.method"], description="[] is an entry of a list, * a key that people choose"
    )
    type: Literal["text", "word", "whole number", "true or false", "condition", "map", "list", "any"]
    expected: str = Field(description="as a fault would say it")
    words: list[str] = Field(description="the closed set, where there is one")
    context: str | None = Field(description="whose facts a condition reads: see /v1/facts")
    required: bool = Field(description="where the map it stands in is there")


class KindOfResource(BaseModel):
    """One kind of resource."""

    kind: str = Field(examples=["Policy"])
    fields: list[FieldOfKind]
    example: str = Field(description="YAML that says everything the kind can say")


class FacetOfPolicy(BaseModel):
    """What a policy may do with a facet."""

    facet: str
    merges: bool = Field(description="whether `merge` may change parts of it")
    needs_until: bool = Field(description="whether a policy on it must say how it ends")


class LanguageShown(BaseModel):
    """The policy language, for an editor."""

    api_version: str
    kinds: list[KindOfResource]
    facets: list[FacetOfPolicy]
    functions: list[str] = Field(description="that conditions may call")
    contexts: list[str] = Field(description="of /v1/facts")


@router.get("/policies/schema", summary="The policy language, for an editor's completion")
async def read_schema(caller: PolicyReader) -> LanguageShown:
    """Kinds, fields, allowed words and examples, as the readers themselves ask for them. Facts are in /v1/facts."""
    del caller
    return LanguageShown(
        api_version=API_VERSION,
        kinds=[
            KindOfResource(
                kind=kind.kind, example=kind.example,
                fields=[
                    FieldOfKind(
                        path=one.path, type=one.type, expected=one.expected, words=list(one.words),
                        context=one.context, required=one.required,
                    )
                    for one in kind.fields
                ],
            )
            for kind in kinds_described()
        ],
        facets=[
            FacetOfPolicy(facet=one.facet, merges=one.merges, needs_until=one.needs_until)
            for one in facets_described()
        ],
        functions=list(FUNCTIONS),
        contexts=list(contexts),
    )  # fmt: skip


@router.get("/policies", summary="Kept policies by kind and name")
async def list_policies(
    caller: PolicyReader,
    all_: ServicesOf,
    kind: Kind | None = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[dict[str, Any]]:
    """Policies, strategies and the other resources, as they are kept. A name is unique within its kind."""
    after = read_cursor(cursor, 2)
    place = (str(after[0]), str(after[1])) if after else None
    rows = await all_.of(Stories).policies(caller.tenant, kind, place, limit)
    following = write_cursor(rows[-1]["kind"], rows[-1]["name"]) if len(rows) == limit else None
    return Page(items=[_policy(row) for row in rows], next=following)


@router.get("/policies/{kind}/{name}", summary="One policy with its history")
async def read_policy(kind: Kind, name: str, caller: PolicyReader, all_: ServicesOf) -> dict[str, Any]:
    """All applied revisions, newest first, with their text."""
    rows = await all_.of(Stories).history(caller.tenant, kind, name)
    if not rows:
        raise not_found(kind, name)
    states = ("proposed", "trial", "kept", "superseded", "dropped")
    return {
        "kind": kind,
        "name": name,
        "no_driver_yet": kind in NO_DRIVER_YET,
        "revisions": [
            {
                "number": row["number"],
                "state": states[row["state"]],
                "about": row["resource"],
                "text": row["source"],
                "removed": row["removed"],
                "change": show("chg", row["change"]) if row["change"] else None,
                "author": show("usr", row["author"]),
                "created_at": row["created_at"],
            }
            for row in rows
        ],
    }


@router.get("/strategies/{name}", summary="A strategy, country by country")
async def read_strategy(name: str, caller: PolicyReader, all_: ServicesOf, now: NowOf) -> StrategyShown:
    """The way in that each of your countries should take, with the reason, and how its devices come in today."""
    found = await all_.of(Strategies).read(actor_of(caller), name, now)
    if found is None:
        raise not_found("Strategy", name)
    return StrategyShown(
        name=name,
        items=[
            ChoiceShown(
                country=c.country,
                use=c.chosen.use,
                ground=c.chosen.ground,
                tier=c.chosen.tier,
                reason=c.chosen.reason,
                devices=c.devices,
                roaming=c.roaming,
                stance=c.stance,
                confidence=c.confidence,
            )
            for c in found
        ],
    )


def _action(sent: ActionSent) -> ActionAsked:
    if bool(sent.devices) == (sent.match is not None):
        raise invalid("/action/devices", sent.devices, "either names of devices or a condition in `match`")
    passage = sent.verb in ("activate", "retire")
    if passage and sent.lasts_s is not None:
        raise invalid("/action/lasts_s", sent.lasts_s, f"nothing: {sent.verb} does not end by the clock")
    condition = None
    if sent.match is not None:
        read = read_expression(sent.match, context="device")
        if isinstance(read, Refusal):
            raise invalid("/action/match", sent.match, str(read))
        condition = Condition(text=sent.match.strip(), expr=read)
    return ActionAsked(
        verb=sent.verb,
        chosen=Chosen(names=tuple(dict.fromkeys(sent.devices)), match=condition),
        reason=sent.reason,
        lasts=timedelta(seconds=sent.lasts_s) if sent.lasts_s is not None else None,
        wipe=sent.wipe,
        subscription=sent.subscription,
    )


def hand_of(caller: Caller) -> Hand:
    """The caller as the engine knows hands."""
    return Hand(person=caller.principal.answerable, actor=caller.actor)


def conflict(made: Conflict) -> Problem:
    """A conflict as a 409 problem with its differences."""
    return Problem(
        409, f"change-{made.code}", made.title, made.detail, extra={"code": made.code, "differences": made.differences}
    )


def plan_shown(row: PlanRow) -> PlanShown:
    """A plan as the door shows it."""
    return PlanShown(
        id=show("plan", row.id),
        created_at=row.created_at,
        expires_at=row.expires_at,
        author=show("usr", row.author),
        resources=[{k: r[k] for k in ("kind", "name", "number", "verb", "removed")} for r in row.resources],
        summary=row.summary,
        tolerance=row.tolerance,
        applied=show("chg", row.applied) if row.applied else None,
    )


def _rollout(sent: dict[str, Any]) -> Rollout:
    try:
        return read_rollout(sent)
    except BadRollout as bad:
        raise invalid(f"/rollout{bad.pointer}", bad.value, bad.expected) from bad


def _policy(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": row["kind"],
        "name": row["name"],
        "revision": row["kept"],
        "about": row["resource"],
        "change": show("chg", row["standing"]) if row["standing"] else None,
        "since": row["created_at"],
        "no_driver_yet": row["kind"] in NO_DRIVER_YET,
    }


def _test(file: str, outcome: TestOutcome) -> TestShown:
    return TestShown(
        resource=f"{outcome.kind}/{outcome.name}", file=file, line=outcome.line, expected=outcome.expected,
        found=outcome.found, passed=outcome.passed,
    )  # fmt: skip


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "path": fault.path,
        "value": fault.value,
        "expected": fault.expected,
    }


def _error(fault: Fault) -> FieldError:
    return FieldError(
        pointer=f"{fault.file}:{fault.line}:{fault.column} {fault.path}", value=fault.value, expected=fault.expected
    )
