"""The networks a SIM is kept off: at Telnyx a blocklist that hangs on the SIM's group.

One call therefore binds every SIM of the group, and the manifest says so. A list may hang on several
groups, so a list that is in use is never edited: one with exactly the wanted networks is found or
made (which binds nobody), and then hung on this group. A list by country is somebody's own doing and
is not replaced.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Final

from fairlead.connectors._kit.http import Denial, Reply
from fairlead.connectors._kit.paging import after_number, number_of, pages
from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.connectors.telnyx.client import Collection, TelnyxClient, data_of
from fairlead.connectors.telnyx.translate import block_values, blocked_by
from fairlead.engine.ports.carrier import Cursor, NetworkPolicy, SimRecord, Unavailable
from fairlead.model.identifiers import Plmn

_NAME: Final = "fairlead"
_PAGE: Final = 100


def following(page: Mapping[str, object], number: int, size: int) -> str | None:
    """The cursor behind a page, by what its `meta` says; None behind the last."""
    total = Fields(page, []).inner("meta").whole("total_pages")
    return after_number(number, total=total, lines=len(as_list(page.get("data")) or []), size=size)


async def walk(client: TelnyxClient, of: Collection) -> AsyncIterator[object]:
    """Every entry of a collection."""

    async def read(cursor: Cursor | None) -> tuple[list[object], str | None]:
        number = number_of(cursor)
        page = await client.page(of, number=number, size=_PAGE)
        return as_list(page.get("data")) or [], following(page, number, _PAGE)

    async for lines, _ in pages(f"GET {of}", read):
        for line in lines:
            yield line


async def with_networks(client: TelnyxClient, record: SimRecord) -> SimRecord:
    """The record with its group's networks; without them where the group's list is not by network."""
    group = as_object(await client.group(record.group))
    if group is None:
        raise Unavailable(f"GET /sim_card_groups/{record.group}: the reply is not a group")
    blocklist = Fields(group, []).text("wireless_blocklist_id")
    plmns: frozenset[Plmn] | None = frozenset()
    if blocklist:
        plmns = blocked_by(await client.blocklist(blocklist))
    return replace(record, network_policy=NetworkPolicy(kind="block", plmns=plmns) if plmns is not None else None)


async def hang(client: TelnyxClient, group: str, policy: NetworkPolicy) -> Reply | Denial:
    """Keep a group off these networks; off none, by taking its list away."""
    if not policy.plmns:
        return await client.remove_blocklist(group)
    async for line in walk(client, "/wireless_blocklists"):
        if blocked_by(line) == policy.plmns:
            return await client.set_blocklist(group, Fields(as_object(line) or EMPTY, []).text("id"))
    values = block_values(policy)
    answer = await client.add_blocklist(f"{_NAME} {' '.join(values)}"[:200], values)
    if isinstance(answer, Denial):
        return answer
    made = Fields(as_object(data_of(answer)) or EMPTY, []).text("id")
    if not made:
        raise Unavailable("POST /wireless_blocklists: the reply carries no list")
    return await client.set_blocklist(group, made)
