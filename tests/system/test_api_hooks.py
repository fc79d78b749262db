"""Webhooks over real HTTP: two simulated carriers post to a server, and what they say makes it read them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec
import pytest
import pytest_asyncio
from tests.system.conftest import Api
from tests.system.hooked import JSON, LAG, Stage, shut, staged

from fairlead.engine.hooks import key_hash
from fairlead.engine.ports.carrier import Limit
from fairlead.model.reference import Reference
from fairlead.store.hooks import HookStore
from fairlead.store.observing import ObservationStore
from fairlead_sim.carriers.serving import serving


@pytest_asyncio.fixture(loop_scope="session")
async def stage(api: Api, reference: Reference) -> AsyncIterator[Stage]:
    async with staged(api, reference) as made:
        yield made


async def test_what_a_carrier_says_is_read_and_not_believed(stage: Stage) -> None:
    url, sim = await stage.hook("global-sim"), stage.lines[0]
    assert not await stage.waiting()
    stage.world.set_state(sim.iccid, "suspended")
    stage.clock.tick(seconds=1)
    assert await stage.says(url, sim, "active", "terminated") == 204  # its own word is wrong
    assert await stage.state(sim) == "active"  # and nothing came of it but a reason to look
    assert await stage.waiting()
    assert await stage.look() == 1
    assert await stage.state(sim) == "suspended"
    assert stage.reads() == (1, 0)  # one line, and no sweep
    assert not await stage.waiting()
    assert (await stage.shown("global-sim"))["heard"] == 1


async def test_a_storm_about_one_line_is_one_reading(stage: Stage) -> None:
    url, sim = await stage.hook("global-sim"), stage.lines[0]
    stage.world.set_state(sim.iccid, "suspended")
    answers: list[int] = []
    for n in range(10):  # out of order, twice, and side by side
        words = ("active", "suspended") if n % 2 else ("suspended", "active")
        answers += await asyncio.gather(*(stage.says(url, sim, *words) for _ in range(10)))
    assert set(answers) == {204}
    assert await stage.look() == 1
    assert await stage.state(sim) == "suspended"
    assert stage.reads() == (1, 0)
    assert await stage.look() == 0
    assert (await stage.shown("global-sim"))["heard"] == 100


async def test_more_lines_than_a_sweep_of_moves_would_take_are_read_one_by_one(stage: Stage) -> None:
    lines = stage.world.issue("tr", 30, state="active")
    await stage.observer.sweep_all(stage.api.tenant)
    stage.soracom.requests.clear()
    url = await stage.hook("global-sim")
    for sim in lines:
        assert await stage.says(url, sim, "active", "suspended") == 204
    assert await stage.look() == 30
    assert stage.reads() == (30, 0)


async def test_a_line_is_read_again_when_the_carriers_own_view_has_caught_up(stage: Stage) -> None:
    await stage.sql("update account set staleness_s = %s where name = 'global-sim'", LAG)
    url, sim = await stage.hook("global-sim"), stage.lines[0]
    assert await stage.says(url, sim, "active", "suspended") == 204
    assert await stage.look() == 1  # too early to see it
    stage.world.set_state(sim.iccid, "suspended")
    assert await stage.look() == 0
    stage.clock.tick(seconds=LAG + 1)
    assert await stage.waiting()
    assert await stage.look() == 1
    assert await stage.state(sim) == "suspended"
    assert not await stage.waiting()


async def test_what_is_heard_while_a_line_is_read_is_read_after_it(stage: Stage) -> None:
    url, sim = await stage.hook("global-sim"), stage.lines[0]
    assert await stage.says(url, sim, "active", "suspended") == 204
    asked = stage.clock()
    stage.clock.tick(seconds=1)
    assert await stage.says(url, sim, "suspended", "active") == 204
    account = (await stage.sql("select id from account where name = 'global-sim'"))[0][0]
    async with stage.api.database.tenant(stage.api.tenant) as tx:
        await ObservationStore().looked(tx, account, [sim.iccid], asked, timedelta(seconds=LAG))
    assert await stage.look() == 1


async def test_a_sweep_reads_what_was_heard_before_it(stage: Stage) -> None:
    url = await stage.hook("global-sim")
    assert await stage.says(url, stage.lines[0], "active", "suspended") == 204
    stage.clock.tick(seconds=1)
    await stage.observer.sweep_all(stage.api.tenant)
    assert await stage.look() == 0


async def test_a_line_that_its_carrier_does_not_know_keeps_nobody_waiting(stage: Stage) -> None:
    await stage.sql(
        "update subscription set provider_id = '8990010000000009999' where iccid = %s", stage.lines[0].iccid
    )
    url = await stage.hook("global-sim")
    body = {"fairlead": 1, "old": "active", "new": "suspended"}
    for sim in ("8990010000000009999", stage.lines[1].iccid, "nobody knows this one"):
        assert await stage.post(url, JSON, msgspec.json.encode(body | {"sim": sim})) == 204
    stage.world.set_state(stage.lines[1].iccid, "suspended")
    assert await stage.look() == 1
    assert await stage.state(stage.lines[1]) == "suspended"
    assert await stage.look() == 0
    assert not await stage.waiting()


async def test_a_reading_that_breaks_off_keeps_its_marks(stage: Stage) -> None:
    url = await stage.hook("global-sim")
    assert await stage.says(url, stage.lines[0], "active", "suspended") == 204
    async with serving(stage.soracom) as gone:
        pass
    moved = "update account set config = config || jsonb_build_object('base_url', %s::text), version = version + 1"
    await stage.sql(f"{moved} where name = 'global-sim'", gone)
    assert await stage.look() == 0
    assert await stage.waiting()
    await stage.sql(f"{moved} where name = 'global-sim'", stage.carrier_urls["soracom"])
    assert await stage.look() == 1
    assert not await stage.waiting()


# --- signatures


async def test_genuine_duplicate_and_late_deliveries_of_a_signing_carrier(stage: Stage) -> None:
    url, sim = await stage.hook("kore-us"), stage.lines[3]
    stage.kore.tell_state(url, sim, "get")
    stage.world.set_state(sim.iccid, "suspended")
    stage.kore.tell_state(url, sim, "get")
    letters = list(stage.kore.callbacks._letters)
    assert await stage.kore.callbacks.deliver(stage.post) == 2
    assert {status for _, _, status in stage.kore.callbacks.sent} == {204}
    assert await stage.look() == 1
    assert stage.kore.desk.requests["get"] == 1
    assert await stage.state(sim) == "inactive"
    for letter in reversed(letters):  # both again, the later one first
        headers = {**stage.kore._sign(letter.address, letter.body), **letter.headers}
        assert await stage.post(url, headers, letter.body) == 204
    assert await stage.look() == 0  # told before
    shown = await stage.shown("kore-us")
    assert (shown["heard"], shown["repeated"], shown["refused"]) == (4, 2, 0)
    assert datetime.fromisoformat(shown["heard_at"]) == stage.clock()


async def test_forged_deliveries_are_refused_without_a_detail_and_counted(stage: Stage) -> None:
    url, sim = await stage.hook("kore-us"), stage.lines[3]
    stage.kore.tell_state(url, sim, "get")
    (letter,) = stage.kore.callbacks._letters
    signed = {**stage.kore._sign(letter.address, letter.body), **letter.headers}
    unsigned = {"content-type": signed["content-type"]}
    other = urlencode({"SimSid": stage.kore.sid(stage.lines[4]), "SimStatus": "inactive"}).encode()
    for headers, body in ((unsigned, letter.body), (signed, letter.body + b"&a=b"), (signed, other), (signed, b"")):
        answer = await stage.http.post(url, headers=headers, content=body)
        assert shut(answer.status_code, answer.text), answer.text
    assert await stage.look() == 0
    shown = await stage.shown("kore-us")
    assert (shown["heard"], shown["refused"], shown["heard_at"]) == (0, 4, None)
    assert shown["refused_at"] is not None


async def test_what_is_signed_for_one_address_proves_nothing_at_another(stage: Stage) -> None:
    mine = await stage.hook("kore-us")
    await stage.add("kore-us", "supersim", who="owner~other")
    theirs = await stage.hook("kore-us", who="owner~other")
    stage.kore.tell_state(mine, stage.lines[3], "get")
    (letter,) = stage.kore.callbacks._letters
    headers = {**stage.kore._sign(mine, letter.body), **letter.headers}
    assert await stage.post(theirs, headers, letter.body) == 401
    stage.kore.callbacks._letters.clear()
    # Signed for the other tenant's address, about a line of this one: it is theirs to read, and they have no such line.
    headers = {**stage.kore._sign(theirs, letter.body), **letter.headers}
    assert await stage.post(theirs, headers, letter.body) == 204
    assert await stage.sql("select * from heard") == []
    async with stage.api.database.tenant(stage.api.gate.tenants["other"]) as tx:
        assert await (await tx.execute("select * from heard")).fetchall() == []


async def test_a_path_of_another_tenant_reaches_no_line_here(stage: Stage) -> None:
    await stage.add("global-sim", who="owner~other")
    theirs = await stage.hook("global-sim", who="owner~other")
    assert await stage.says(theirs, stage.lines[0], "active", "suspended") == 204
    assert not await stage.waiting()
    assert await stage.look() == 0


# --- addresses


async def test_only_the_newest_address_counts_and_none_is_shown_twice(stage: Stage) -> None:
    first = await stage.hook("global-sim")
    second = await stage.hook("global-sim")
    assert first != second
    assert await stage.says(first, stage.lines[0], "active", "suspended") == 404
    assert await stage.says(second, stage.lines[0], "active", "suspended") == 204
    told = (await stage.asked("GET", "/v1/carriers")).text
    key = second.rpartition("/")[2]
    assert key not in told
    rows = await stage.sql("select hash, url from hook")
    assert all(key not in text for row in rows for text in row)
    assert (await stage.asked("DELETE", "/v1/carriers/global-sim/hook")).status_code == 204
    assert await stage.says(second, stage.lines[0], "active", "suspended") == 404
    assert (await stage.asked("DELETE", "/v1/carriers/global-sim/hook")).status_code == 404
    assert await stage.shown("global-sim") is None
    lines = await stage.sql(
        "select payload::jsonb ->> 'hook' from journal where strpos(payload, 'hook') > 0 order by at, id"
    )
    assert [one for (one,) in lines] == ["made", "rotated", "removed"]
    async with stage.api.database.nameless() as tx:
        left = await (await tx.execute("select tenant from lookup(7::smallint, %s)", (rows[0][0],))).fetchone()
    assert left == (None,)


async def test_a_key_that_only_the_directory_knows_opens_nothing(stage: Stage) -> None:
    url = await stage.hook("global-sim")
    left = "flh_" + "a" * 52  # as two who make an address in the same moment might leave behind
    await stage.sql("select claim(7::smallint, %s, account) from hook", key_hash(left))
    assert await stage.says(url, stage.lines[0], "active", "suspended") == 204
    assert await stage.says(f"{stage.url}/v1/hooks/{left}", stage.lines[0], "active", "suspended") == 404


@pytest.mark.parametrize("key", ["x", "flh_" + "a" * 52, "flh_" + "é" * 52, "flt_" + "a" * 52, "flh_" + "a" * 5000])
async def test_an_address_that_nobody_has_is_answered_404(stage: Stage, key: str) -> None:
    answer = await stage.http.post(f"{stage.url}/v1/hooks/{key}", headers=JSON, content=b"{}")
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is nothing here")


async def test_an_account_that_hears_nothing_is_answered_like_an_unknown_key(stage: Stage) -> None:
    url = await stage.hook("global-sim")
    await stage.sql("update account set connector = 'telnyx', version = version + 1 where name = 'global-sim'")
    await stage.sql("update account set credential = null where name = 'global-sim'")
    answer = await stage.http.post(url, headers=JSON, content=b"{}")
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is nothing here")
    assert (await stage.asked("POST", "/v1/carriers/global-sim/hook")).status_code == 409


async def test_only_who_may_write_carriers_makes_an_address(stage: Stage) -> None:
    for who in ("operator", "auditor", "owner@north"):
        for method in ("POST", "DELETE"):
            answer = await stage.asked(method, "/v1/carriers/global-sim/hook", who=who)
            assert answer.status_code == 403, (who, answer.text)
    assert (await stage.asked("POST", "/v1/carriers/nobody/hook")).status_code == 404


async def test_a_long_body_and_too_many_deliveries_are_refused(stage: Stage) -> None:
    url = await stage.hook("global-sim")
    assert await stage.post(url, {"content-type": "text/plain"}, b"x" * ((64 << 10) + 1)) == 413
    stage.hooks._limit = Limit(per_second=0.5, burst=3)
    stage.hooks._levels.clear()
    answers = [await stage.says(url, stage.lines[0], "active", "suspended") for _ in range(4)]
    assert answers == [204, 204, 204, 429]
    stage.clock.tick(seconds=2)
    assert await stage.says(url, stage.lines[0], "active", "suspended") == 204


async def test_an_operation_that_waits_is_read_back_at_once(stage: Stage) -> None:
    url = await stage.hook("global-sim")
    later = stage.clock() + timedelta(hours=1)
    ids = []
    for sim, state in ((stage.lines[0], 4), (stage.lines[1], 10), (stage.lines[2], 4), (stage.lines[0], 1)):
        ids += await stage.sql(
            "insert into operation (tenant, id, subject, subject_kind, facet, generation, step, attempt, driver, verb,"
            " state, arguments, deadline, not_before) select s.tenant, gen_random_uuid(), s.id, 4, 7, %s, 1, 1, 'carrier',"
            " 'suspend', %s, '{\"account\": \"global-sim\"}', %s, %s from subscription s where s.iccid = %s returning id",
            state, state, later, later, sim.iccid,
        )  # fmt: skip
    for sim in stage.lines[:2]:
        assert await stage.says(url, sim, "active", "suspended") == 204
    waits = [
        (await stage.sql("select not_before is not null from operation where id = %s", one))[0][0] for (one,) in ids
    ]
    assert waits == [False, False, True, True]  # of another line, and one that was never sent


async def test_an_operation_is_found_by_the_carriers_reference(stage: Stage) -> None:
    later = stage.clock() + timedelta(hours=1)
    for account in ("global-sim", "kore-us"):
        await stage.sql(
            "insert into operation (tenant, id, subject, subject_kind, facet, generation, step, attempt, driver, verb,"
            " state, arguments, evidence, deadline, not_before) select s.tenant, gen_random_uuid(), s.id, 4, 7, %s, 1, 1,"
            " 'carrier', 'suspend', 4, jsonb_build_object('account', %s::text), %s, %s, %s from subscription s"
            " where s.iccid = %s",
            len(account), account, '[{"reference": "suspend request-0123456789"}]', later, later, stage.lines[0].iccid,
        )  # fmt: skip
    async with stage.api.database.tenant(stage.api.tenant) as tx:
        assert await HookStore().hurry_referred(tx, "global-sim", ["request-99"]) == 0
        assert await HookStore().hurry_referred(tx, "global-sim", ["request-0123456789"]) == 1
