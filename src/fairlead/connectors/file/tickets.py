"""Tickets: what is asked of the people behind a carrier, and what their confirmations say became of it. Pure.

A ticket's number follows from what it asks: the account, the verb, the SIMs, and how many tickets of
that kind each SIM had before. Two processes with the same wish write the same number, so it is one
ticket; a new attempt, after an end, has a new number.

A line is *open* until an export shows the wish, a confirmation refuses it, or the time is over in
which it may still be carried out. A confirmation that says "done" is their word, not a proof: it ends
nothing by itself, but the next wish for that SIM need not wait for it any more.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Literal

from fairlead.connectors._kit.wish import MalformedReference
from fairlead.connectors.file.mapping import Files, Tickets
from fairlead.connectors.file.rows import BadCell, Row, iccid, instant
from fairlead.engine.ports.carrier import ProviderId, RawReply, ReasonCode
from fairlead.model.identifiers import MalformedIdentifier
from fairlead.model.subscription import VERB_TARGET, Verb

Result = Literal["done", "refused", "open"]
_HEAD: Final = ("ticket", "verb", "requested_at", "iccid", "theirs")  # of our own copy, which we alone read


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One ticket: one verb for some SIMs."""

    number: str
    verb: Verb
    requested_at: datetime
    lines: Mapping[ProviderId, str]  # SIM → how they write its ICCID


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What one line of a confirmation file says."""

    result: Result
    reason: ReasonCode
    detail: str
    raw: RawReply
    where: str  # file and line
    at: datetime


def number_of(account: str, verb: Verb, sims: Sequence[tuple[ProviderId, int]]) -> str:
    """The number of a ticket: each SIM with how many tickets of this verb it had before."""
    text = "|".join([account, verb.value, *(f"{sim}#{before}" for sim, before in sorted(sims))])
    return f"FL-{sha256(text.encode()).hexdigest()[:12].upper()}"


def reference(ticket: Ticket, sim: ProviderId) -> str:
    """What an `Accepted` carries."""
    return f"ticket {ticket.number} {sim}"


def read_reference(text: str) -> tuple[str, ProviderId]:
    """Number and SIM; raises `MalformedReference`."""
    parts = text.split(" ")
    if len(parts) != 3 or parts[0] != "ticket" or not all(parts):  # noqa: PLR2004 - as `reference` writes it
        raise MalformedReference(f"{text!r} is not a reference: expected ticket, its number and a SIM")
    return parts[1], ProviderId(parts[2])


# --- as files ------------------------------------------------------------------------------------


def for_them(ticket: Ticket, tickets: Tickets, files: Files) -> bytes:
    """The ticket in their columns and words."""
    cells = {
        "ticket": ticket.number,
        "action": tickets.words[ticket.verb.value],
        "requested_at": ticket.requested_at.isoformat(timespec="seconds"),
    }
    rows = [{**cells, "iccid": theirs} for theirs in ticket.lines.values()]
    lines = [list(tickets.columns.values()), *([row[ours] for ours in tickets.columns] for row in rows)]
    return _csv(lines, files.form.delimiter).encode(files.form.encoding)


def for_us(ticket: Ticket) -> bytes:
    """Our copy."""
    at = ticket.requested_at.isoformat()
    rows = [[ticket.number, ticket.verb.value, at, sim, theirs] for sim, theirs in ticket.lines.items()]
    return _csv([list(_HEAD), *rows], ",").encode()


def read_ours(name: str, content: bytes) -> Ticket:
    """Our copy, read again. Raises `ValueError` for one that somebody changed."""
    head, *rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    if tuple(head) != _HEAD or not rows or any(len(row) != len(_HEAD) for row in rows):
        raise ValueError(f"{name}: not a ticket of ours")
    first = rows[0]
    return Ticket(
        number=first[0],
        verb=Verb(first[1]),
        requested_at=datetime.fromisoformat(first[2]).astimezone(UTC),
        lines={ProviderId(row[3]): row[4] for row in rows},
    )


def _csv(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


# --- what they answer ----------------------------------------------------------------------------

Key = tuple[str, ProviderId]


def confirmed(
    files: Files, tickets: Tickets, name: str, rows: Sequence[Row | str], at: datetime
) -> tuple[dict[Key, list[Confirmation]], list[str]]:
    """A confirmation file by ticket and SIM, and complaints about lines that cannot be read."""
    found: dict[Key, list[Confirmation]] = {}
    complaints: list[str] = []
    kind = tickets.confirmations
    results: dict[str, Result] = {word.casefold(): result for word, result in kind.results.items()} if kind else {}
    for row in rows:
        if isinstance(row, str):
            complaints.append(row)
            continue
        where = f"{name} line {row.line}"
        result = results.get(row.text("result").casefold())
        try:
            sim = ProviderId(iccid(row.text("iccid"), files.iccid))
            said_at = instant(row.text("at"), files.form) if row.text("at") else at
        except (MalformedIdentifier, BadCell) as error:
            complaints.append(f"{where}: {error}")
            continue
        if result is None:
            known = ", ".join(kind.results) if kind else ""
            complaints.append(f"{where} result: {row.text('result')!r} is none of {known}")
            continue
        code, text = row.text("code"), row.text("text")
        reason = kind.reasons.get(code, ReasonCode.UNKNOWN) if kind else ReasonCode.UNKNOWN
        found.setdefault((row.text("ticket"), sim), []).append(
            Confirmation(
                result=result,
                reason=reason,
                detail=f"{where}: {row.text('result')}{f' {code}' if code else ''}{f': {text}' if text else ''}",
                raw=RawReply(status=0, code=code[:100], body=row.raw),
                where=where,
                at=said_at,
            )
        )
    return found, complaints


def verdict(said: Sequence[Confirmation]) -> Confirmation | None:
    """What several answers to one line come to: "done" outweighs "refused", since then only an export can tell."""
    for result in ("done", "refused"):
        found = next((one for one in said if one.result == result), None)
        if found is not None:
            return found
    return None


def target_of(verb: Verb) -> str:
    """The state that shows that a verb was carried out."""
    return VERB_TARGET[verb].value
