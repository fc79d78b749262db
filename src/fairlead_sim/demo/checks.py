"""The things that must have come true, judged by what the server says *and* what the world knows.

Pure: the story brings what both sides saw, these functions compare. A check carries its figures,
and the reasons why it does not hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

SETTLED: Final = frozenset({"verified", "failed", "refused", "expired", "superseded"})
_SHOWN: Final = 5

Body = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Check:
    """One thing that must hold."""

    name: str
    figures: Body = field(default_factory=dict[str, Any])
    faults: list[str] = field(default_factory=list[str])

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return not self.faults

    def shown(self) -> Body:
        """For the report."""
        return {"ok": self.ok, "figures": self.figures, "faults": self.faults[:_SHOWN]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the server said about a device, and when it said so."""

    device: str
    country: str
    made_at: datetime
    breach_at: datetime
    by_hand: datetime | None  # what the law's own words give


def forecasts_came_true(
    forecasts: Sequence[Forecast], clocks: Mapping[str, Sequence[Body]], stayed: Mapping[str, bool], now: datetime
) -> Check:
    """Each was made before its instant, agrees with the law by hand, and the count reached the limit then."""
    check = Check(name="breaches were forecast before they happened")
    lead: list[float] = []
    for one in forecasts:
        passed = [
            row
            for row in clocks.get(one.device, ())
            if _instant(row["breach_at"]) == one.breach_at and _instant(row["computed_at"]) >= one.breach_at
        ]
        if one.made_at >= one.breach_at:
            check.faults.append(f"{one.device}: its breach was not ahead when it was forecast")
        elif one.breach_at != one.by_hand:
            check.faults.append(f"{one.device}: forecast {one.breach_at:%d %b %H:%M}, by hand {one.by_hand}")
        elif one.breach_at > now:
            check.faults.append(f"{one.device}: its breach at {one.breach_at:%d %b} is still ahead")
        elif not stayed.get(one.device):
            check.faults.append(f"{one.device}: the world says it did not stay")
        elif not passed or passed[0]["days_left"] != 0:
            check.faults.append(f"{one.device}: no clock ran out at {one.breach_at:%d %b %H:%M}")
        else:
            lead.append((one.breach_at - one.made_at).total_seconds() / 86_400)
    if not forecasts:
        check.faults.append("nothing was forecast")
    check.figures = {
        "forecast": len(forecasts),
        "came_true_to_the_minute": len(lead),
        "shortest_lead_days": round(min(lead), 1) if lead else None,
        "longest_lead_days": round(max(lead), 1) if lead else None,
    }
    return check


def planned_were_moved(
    planned: Mapping[str, int], moves: Sequence[Body], proofs: Mapping[str, str], *, spared: frozenset[str]
) -> Check:
    """Everything planned outside the refusing country is verified, and the world shows it on the local SIM.

    `proofs`: what is wrong with a device in the world; empty where it is as it should be.
    """
    check = Check(name="planned devices were moved and verified")
    wanted = sum(n for country, n in planned.items() if country not in spared)
    first = [m for m in moves if m["wave"] == 0 and m["country"] not in spared]
    verified = [m for m in first if m["state"] == "verified"]
    for move in first:
        if move["state"] != "verified":
            check.faults.append(f"{move['name']} ({move['country']}): {move['state']} {move.get('outcome') or ''}")
    check.faults += [f"{m['name']}: {proofs[m['name']]}" for m in verified if proofs.get(m["name"])]
    if len(verified) != wanted or not wanted:
        check.faults.append(f"{len(verified)} of {wanted} planned devices are verified")
    check.figures = {
        "planned": wanted,
        "verified": len(verified),
        "on_the_local_sim_in_the_world": sum(not proofs.get(m["name"]) for m in verified),
        "percent": round(100 * len(verified) / wanted, 1) if wanted else None,
    }
    return check


def only_that_batch(
    batches: Sequence[Body], moves: Sequence[Body], proofs: Mapping[str, str], *, country: str, refusals: int
) -> Check:
    """The refusing country's batch is rolled back, its later stages never opened, and nobody else's was touched.

    `proofs`: what is wrong with a device of that country in the world.
    """
    check = Check(name="refusals rolled back that batch and no other")
    back = [b for b in batches if b["state"] == "rolled-back"]
    mine = [b for b in batches if b["country"] == country and b["wave"] == 0]
    undone = [m for m in moves if m["state"] not in {"verified", "superseded"}]
    if not refusals:
        check.faults.append("the carrier refused nothing")
    if [(b["country"], b["wave"], b["stage"]) for b in back] != [(country, 0, 0)]:
        check.faults.append(f"rolled back: {[(b['country'], b['wave'], b['stage']) for b in back]}")
    if len(mine) != 1:
        check.faults.append(f"{country} had {len(mine)} batches; only its first should have opened")
    check.faults += [
        f"{b['country']} wave {b['wave']} stage {b['stage']}: {b['state']}"
        for b in batches
        if b not in mine and b["state"] != "passed"
    ]
    check.faults += [
        f"{m['name']} ({m['country']}): {m['state']}"
        for m in undone
        if m["country"] != country or m["wave"] or m["state"] != "undone"
    ]
    check.faults += [f"{name}: {wrong}" for name, wrong in proofs.items() if wrong]
    check.figures = {
        "refusals": refusals,
        "rolled_back_batches": len(back),
        "rolled_back_devices": len(undone),
        "passed_batches": sum(b["state"] == "passed" for b in batches),
        "still_on_the_old_sim_in_the_world": sum(not wrong for wrong in proofs.values()),
    }
    return check


def crossers_were_moved(names: Sequence[str], moves: Sequence[Body], proofs: Mapping[str, str]) -> Check:
    """Devices that crossed the border later were moved by a wave of the standing Change."""
    check = Check(name="a device that crossed a border later was moved by the standing change")
    by_name = {m["name"]: m for m in moves if m["wave"] > 0}
    for name in names:
        move = by_name.get(name)
        if move is None or move["state"] != "verified":
            check.faults.append(f"{name}: {move['state'] if move else 'no move'}")
        elif proofs.get(name):
            check.faults.append(f"{name}: {proofs[name]}")
    if not names:
        check.faults.append("nothing crossed a border")
    check.figures = {
        "crossed": len(names),
        "moved": len(names) - len(check.faults),
        "moved_by_waves_in_all": sum(m["state"] == "verified" for m in by_name.values()),
    }
    return check


def all_settled(operations: Mapping[str, int]) -> Check:
    """No operation is still open or unknown."""
    check = Check(name="every operation settled", figures={"by_state": dict(sorted(operations.items()))})
    check.faults = [f"{n} operations are {state}" for state, n in operations.items() if n and state not in SETTLED]
    if not sum(operations.values()):
        check.faults.append("there were no operations")
    return check


def journal_holds(code: int, report: Body) -> Check:
    """An independent program verified the export, with the server's key pinned."""
    check = Check(name="the exported journal verifies")
    check.figures = {key: report.get(key) for key in ("lines", "verdict", "key_id", "proven_seq") if key in report}
    if code != 0:
        check.faults.append(f"exit code {code}: {report.get('detail')}")
    if not report.get("lines"):
        check.faults.append("it has no lines")
    return check


def _instant(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.max.replace(tzinfo=UTC)
