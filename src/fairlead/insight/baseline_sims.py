"""The baseline's questions about what is paid for: unused data, SIMs billed but silent, contracts that end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fairlead.insight.baseline import (
    AccountContract,
    Fees,
    Figure,
    Finding,
    Inventory,
    Lines,
    Link,
    Section,
    plural,
    section,
    uncounted,
)

_USE: Final = "session files and carriers' readings"
_UNUSED: Final = ("unused_data", "Unused data")
_SILENT: Final = ("silent_sims", "SIMs billed but silent")
_CONTRACTS: Final = ("contracts", "Contracts")
_A_QUARTER: Final = 4  # an allowance of which less than that part stays is well chosen


def unused_data(i: Inventory) -> Section:
    """Allowances against what was used in the last thirty days of each account's feed."""
    if "lines" not in i.counted:
        return uncounted(*_UNUSED, "bytes", _USE)
    lines = sum(one.lines for one in i.lines) + i.unjudged_lines
    measured = sum(one.measured for one in i.lines)
    fees = Fees(i.prices)
    found: list[Finding] = []
    for one in i.lines:
        if not one.measured or one.unused_bytes * _A_QUARTER < one.included_bytes:
            continue
        own = Fees(i.prices)
        for sums in (own, fees):
            sums.add(one.plan, one.measured, part=one.unused_bytes, whole=one.included_bytes)
        percent = 100 * one.unused_bytes // one.included_bytes
        found.append(
            Finding(
                code="unused-data",
                says=f"{plural(one.measured, 'SIM')} on {one.plan} at {one.account} left {percent} % of what they pay"
                " for unused in 30 days",
                members=one.measured, unit="SIMs",
                link=sims(one, exact=one.measured == one.lines),
                facts={
                    "account": one.account, "plan": one.plan, "included_bytes": one.included_bytes,
                    "used_bytes": one.used_bytes, "unused_bytes": one.unused_bytes,
                },
                monthly=own.monthly, unpriced=own.unpriced,
            )
        )  # fmt: skip
    as_of = oldest([one.fed_to for one in i.lines if one.measured])
    unknown = lines - measured
    figures = [
        Figure(
            name="unused of what is included", value=sum(one.unused_bytes for one in i.lines) if measured else None,
            unit="bytes", unknown=unknown, of=lines, source=_USE, as_of=as_of,
        ),
        Figure(
            name="included", value=sum(one.included_bytes for one in i.lines) if measured else None, unit="bytes",
            unknown=unknown, of=lines, source="prices: the column included", as_of=as_of,
        ),
    ]  # fmt: skip
    note = (
        "Each SIM against its own plan's allowance of a month, over the last 30 days its account's feed tells of; money"
        " is the same part of the monthly fee. Unknown: no allowance with the plan's price, or no bytes told."
    )
    return section(*_UNUSED, figures, found, note)


def silent_sims(i: Inventory) -> Section:
    """Active subscriptions that nobody has heard for long, though their account's feed went on."""
    if "lines" not in i.counted:
        return uncounted(*_SILENT, "SIMs", _USE)
    lines = sum(one.lines for one in i.lines) + i.unjudged_lines
    unknown = sum(one.unknown for one in i.lines) + i.unjudged_lines
    as_of = oldest([one.fed_to for one in i.lines if one.lines > one.unknown])
    found: list[Finding] = []
    for one in i.lines:
        for count, code, words in (
            (one.silent, "silent", f"were not heard for {i.silent_days} days"),
            (one.never_seen, "never_seen", f"never appear in a feed of more than {i.silent_days} days"),
        ):
            if not count:
                continue
            fees = Fees(i.prices)
            fees.add(one.plan, count)
            found.append(
                Finding(
                    code=code.replace("_", "-"),
                    says=f"{plural(count, 'active SIM')} on {one.plan or 'no known plan'} at {one.account} {words}",
                    members=count, unit="SIMs",
                    link=sims(one, silence=code, silent_days=str(i.silent_days)),
                    facts={
                        "account": one.account, "plan": one.plan,
                        "feed_reaches": one.fed_to.isoformat() if one.fed_to else None,
                    },
                    monthly=fees.monthly, unpriced=fees.unpriced,
                )
            )  # fmt: skip
    figures = [
        Figure(
            name=name, value=sum(getattr(one, part) for one in i.lines) if lines > unknown or not lines else None,
            unit="SIMs", unknown=unknown, of=lines, source=_USE, as_of=as_of,
        )
        for name, part in (("active and silent", "silent"), ("active and never seen", "never_seen"))
    ]  # fmt: skip
    note = (
        f"Silent: heard once, and then not in {i.silent_days} days up to where its account's feed reaches. Never seen:"
        " not once in such a feed, which may also leave SIMs out. Unknown: nobody tells of the account's use, or not"
        " for that long."
    )
    return section(*_SILENT, figures, found, note)


def contracts(i: Inventory) -> Section:
    """What ends, and by when notice must be given; of each account the contract that ends last."""
    today = i.today
    held = {one.account for one in i.contracts}
    soon = [one for one in i.contracts if _near(one, i)]
    accounts = len(i.accounts)
    without_end = sum(one.contract.ends_on is None for one in i.contracts)
    figures = [
        Figure(
            name=f"ended, or notice or end within {i.notice_days} days", value=len(soon) if held else None,
            unit="contracts", unknown=accounts - len(held) + without_end, of=accounts, source="the register",
            as_of=i.now,
        )
    ]  # fmt: skip
    found = [
        Finding(
            code=f"contract-{one.contract.state(today).replace('_', '-')}", says=_says(one, i), members=1,
            unit="contracts",
            link=Link(
                screen="connectivity", asks={"tab": "register", "account": one.account},
                api=f"/v1/carriers/{one.account}/register",
            ),
            facts={
                "account": one.account, "number": one.contract.number,
                "ends_on": one.contract.ends_on.isoformat() if one.contract.ends_on else None,
                "days_left": one.contract.days_left(today),
                "notice_by": one.contract.notice_by.isoformat() if one.contract.notice_by else None,
                "committed_sims": one.contract.committed_sims, "active_sims": one.active,
            },
        )
        for one in soon
    ]  # fmt: skip
    note = "Days are calendar days in UTC. Unknown: accounts without a contract in the register, or without its end."
    return section(*_CONTRACTS, figures, found, note, rank=_soonest)


def _soonest(one: Finding) -> str:
    return str(one.facts["notice_by"] or one.facts["ends_on"])


def _near(one: AccountContract, i: Inventory) -> bool:
    kept = one.contract
    short = kept.committed_sims is not None and one.active is not None and one.active < kept.committed_sims
    days = [left for left in (kept.days_left(i.today), _to_notice(one, i)) if left is not None]
    return short or any(left <= i.notice_days for left in days)


def _to_notice(one: AccountContract, i: Inventory) -> int | None:
    by = one.contract.notice_by
    return None if by is None else (by - i.today).days


def _says(one: AccountContract, i: Inventory) -> str:
    kept, left, notice = one.contract, one.contract.days_left(i.today), _to_notice(one, i)
    text = f"{one.account}: contract {kept.number}"
    if left is not None:
        text += f" ended {plural(-left, 'day')} ago" if left < 0 else f" ends in {plural(left, 'day')}"
    if left is not None and left >= 0 and notice is not None:
        text += (
            f"; notice should have been given {plural(-notice, 'day')} ago"
            if notice < 0
            else f"; notice must be given by {kept.notice_by} (in {plural(notice, 'day')})"
        )
    if kept.committed_sims is not None and one.active is not None and one.active < kept.committed_sims:
        text += f"; {one.active:,} SIMs are active of {kept.committed_sims:,} committed"
    return text


def sims(one: Lines, *, exact: bool = True, **more: str) -> Link:
    """The active subscriptions of an account and plan."""
    asked = {"carrier": one.account, "state": "active", **({"plan": one.plan} if one.plan else {}), **more}
    return Link(
        screen="connectivity", asks=asked, api="/v1/subscriptions", exact=exact and one.plan is not None
    )  # fmt: skip


def oldest(instants: Sequence[datetime | None]) -> datetime | None:
    """The oldest of those that are known."""
    return min((at for at in instants if at is not None), default=None)
