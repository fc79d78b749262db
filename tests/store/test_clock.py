"""The clock in SQL is the clock in Python, over random fleets, and keeps its walls."""

import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from tests.unit.insight.golden_clocks import CASES, DEVICE, at, seen

from fairlead.insight.roaming import Presence, binding, in_scope, read_clock
from fairlead.model.rules import (
    CALENDAR_YEAR,
    IMEI_TOPIC,
    NEVER,
    WINDOW,
    Confidence,
    ConsecutiveDays,
    DaysInWindow,
    DaysInYear,
    Event,
    Kind,
    LeavesCountry,
    MonthsInWindow,
    Population,
    Rule,
    Scope,
    Sim,
    SinceEvent,
    Stance,
    Subject,
    Trend,
    binds,
    law,
)
from fairlead.reference import load
from fairlead.store.clock import compute

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
COLUMNS = [
    "tenant",
    "device",
    "iccid",
    "imsi",
    "imei",
    "eid",
    "account",
    "apn",
    "country",
    "plmn",
    "home_country",
    "first_at",
    "last_at",
]
ZONES = [
    "UTC",
    "Europe/Istanbul",
    "America/Sao_Paulo",
    "Asia/Riyadh",
    "Pacific/Kiritimati",
    "America/Havana",
    "Africa/Cairo",
]


def device_id(n: int) -> UUID:
    return UUID(int=0x018F_0000_0000_7000_8000_0000_0000_0000 + n)


def random_presences(rng: random.Random, devices: int) -> list[Presence]:
    """Devices that wander between three countries, sometimes change SIM, and sometimes share one."""
    found = []
    for n in range(devices):
        at = NOW - timedelta(days=rng.randint(5, 500), minutes=rng.randint(0, 1440))
        sim = n
        while at < NOW:
            stays = timedelta(days=rng.choice([0, 1, 2, 5, 20, 60, 130]) * rng.random(), minutes=rng.randint(0, 900))
            if rng.random() < 0.15:
                sim = rng.choice([n, n + 1, n + 1000])
            country = rng.choice(["TR", "TR", "BR", "DE"])
            home = rng.choice(["DE", "DE", "TR", None])
            found.append(
                Presence(
                    device=str(device_id(n)),
                    country=country,
                    plmn=rng.choice(
                        {"TR": ["286-01", "286-02"], "BR": ["724-05"], "DE": ["262-01", "unknown"]}[country]
                    ),
                    home_country=home,
                    imsi=None if rng.random() < 0.05 else f"28601{sim:010d}",
                    iccid=f"8990{sim:015d}",
                    imei=None if rng.random() < 0.05 else f"35{n // 2:013d}",
                    eid=f"8904{sim:028d}" if rng.random() < 0.6 else None,
                    account=str(device_id(9000 + n % 3)),
                    apn=rng.choice(["m2m", "iot", None]),
                    first=at,
                    last=at + stays,
                )
            )
            at += stays + timedelta(days=rng.choice([0, 0, 1, 3, 6, 8, 40]) * rng.random())
    return found


def random_rule(rng: random.Random, n: int) -> Rule:
    def counter():
        window = rng.randint(1, 150)
        return rng.choice(
            [
                ConsecutiveDays(trip=rng.randint(1, 120), max_gap=rng.choice([0, 0, 1, 6])),
                DaysInWindow(trip=rng.randint(1, window), window=window),
                DaysInYear(trip=rng.randint(1, 250)),
                MonthsInWindow(trip=(m := rng.randint(1, 8)), window=m + rng.randint(0, 6)),
                SinceEvent(trip=rng.randint(1, 150), event=rng.choice([Event.FIRST_USE, Event.ARRIVAL])),
            ]
        )

    return Rule(
        id=f"r-{n}",
        jurisdiction="TR",
        countries=rng.choice([frozenset({"TR"}), frozenset({"TR", "BR"}), frozenset({"DE"})]),
        topic=rng.choice(["permanent_roaming", "permanent_roaming_data", IMEI_TOPIC, "domestic_roaming"]),
        stance=rng.choice([Stance.RESTRICTED, Stance.CONDITIONAL]),
        kind=rng.choice([Kind.LAW, Kind.RECOMMENDATION, Kind.REPORT]),
        authority=None,
        sources=("none",),
        as_of=date(2026, 1, 1),
        confidence=Confidence.LOW,
        trend=Trend.UNKNOWN,
        summary="drawn by lot",
        subject=rng.choice(list(Subject)),
        counters=tuple(counter() for _ in range(rng.choice([1, 1, 2, 3]))),
        trip=rng.choice(["any", "all"]),
        population=rng.choice(
            [
                None,
                None,
                Population(more_than=rng.randint(1, 12), of=rng.choice([("account",), ("apn",), ("account", "apn")])),
            ]
        ),
        scope=Scope(
            sim=rng.choice(list(Sim)),
            esim=rng.random() < 0.2,
            home_countries=rng.choice([frozenset(), frozenset(), frozenset({"DE"})]),
            plmns=rng.choice([frozenset(), frozenset(), frozenset({"286-01", "724-05"})]),
        ),
        reset=rng.choice([NEVER, WINDOW, CALENDAR_YEAR, LeavesCountry(days=rng.choice([1, 7, 30]))]),
        zone=rng.choice(ZONES),
    )


async def fill(conn: psycopg.AsyncConnection, tenant: UUID, presences: list[Presence]) -> None:
    async with conn.cursor() as cur:
        await cur.executemany(
            f"insert into presence ({', '.join(COLUMNS)}) values ({', '.join(['%s'] * len(COLUMNS))})",
            [
                (
                    tenant,
                    p.device,
                    p.iccid,
                    p.imsi,
                    p.imei,
                    p.eid,
                    p.account,
                    p.apn,
                    p.country,
                    p.plmn,
                    p.home_country,
                    p.first,
                    p.last,
                )
                for p in presences
            ],
        )
        await cur.executemany(
            "insert into fact (tenant, device) values (%s, %s)",
            [(tenant, d) for d in sorted({p.device for p in presences})],
        )


def population_of(rule: Rule, presences: list[Presence], latest: Presence, now: datetime) -> int | None:
    """Devices of the account or the APN of a device's latest presence in scope, seen in the last year."""
    if rule.population is None:
        return None
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(rule.zone)
    since = now.astimezone(zone).date() - timedelta(days=365)
    seen = [
        p
        for p in presences
        if in_scope(rule, p) and p.first <= now and min(p.last, now).astimezone(zone).date() >= since
    ]

    def devices(of):
        mine = getattr(latest, of)
        return len({p.device for p in seen if mine is not None and getattr(p, of) == mine})

    return max(devices(of) for of in rule.population.of)


def read_in_python(rules, presences, now):
    """(device, rule) to reading, of every device that the rule has ever looked at."""
    found = {}
    for rule in rules:
        scoped = defaultdict(list)
        for p in presences:
            if p.first <= now and in_scope(rule, p):
                scoped[p.device].append(p)
        for device, mine in scoped.items():
            latest = max(
                mine, key=lambda p: (min(p.last, now), p.first, p.country, p.plmn, p.imsi or "", p.iccid or "")
            )
            found[device, rule.id] = read_clock(
                rule, presences, now=now, device=device, population=population_of(rule, presences, latest, now)
            )
    return found


async def read_in_sql(conn, tenant):
    rows = await (
        await conn.execute(
            "select device::text, rule, days_used, breach_at, started_at from clock where tenant = %s", (tenant,)
        )
    ).fetchall()
    return {(d, r): (used, breach, started) for d, r, used, breach, started in rows}


def as_rows(readings):
    return {k: (r.days_used, r.breach_at, r.started_at) for k, r in readings.items()}


@pytest.mark.parametrize("seed", range(4))
async def test_both_readings_agree(database, tenant, seed):
    rng = random.Random(seed)
    presences = random_presences(rng, 40)
    rules = [random_rule(rng, n) for n in range(30)]
    async with database.tenant(tenant) as conn:
        await fill(conn, tenant, presences)
        written = await compute(conn, tenant, rules, NOW, None)
        in_sql = await read_in_sql(conn, tenant)
        facts = await (
            await conn.execute(
                "select device::text, breach_at, days_used, imei_breach_at, law_stance, law_confidence from fact"
            )
        ).fetchall()
    readings = read_in_python(rules, presences, NOW)
    assert in_sql == as_rows(readings)
    assert written == len(in_sql)
    of_device = defaultdict(list)
    for (device, _), reading in readings.items():
        of_device[device].append(reading)
    latest = {}
    for p in presences:
        key = (min(p.last, NOW), p.first, p.country, p.plmn, p.imsi or "", p.iccid or "")
        if p.first <= NOW and (p.device not in latest or key > latest[p.device][0]):
            latest[p.device] = (key, p.country)
    for device, breach_at, used, imei_at, stance, confidence in facts:
        bound = binding(of_device[device])
        assert (breach_at, used) == ((bound.breach_at, bound.days_used) if bound else (None, None))
        imei = [r.breach_at for r in of_device[device] if r.breach_at and r.rule.topic == IMEI_TOPIC and binds(r.rule)]
        assert imei_at == min(imei, default=None)
        said = law(latest[device][1], rules, NOW.date())
        assert (stance, confidence) == (said.stance, said.confidence)
    assert any(r.breached for r in readings.values())
    assert any(r.breach_at and r.breach_at > NOW for r in readings.values())


async def test_a_few_devices_read_as_all_of_them_do(database, tenant):
    rng = random.Random(99)
    presences = random_presences(rng, 30)
    rules = [random_rule(rng, n) for n in range(20)]
    few = [device_id(n) for n in (3, 4, 17)]
    async with database.tenant(tenant) as conn:
        await fill(conn, tenant, presences)
        await compute(conn, tenant, rules, NOW, few)
        some = await read_in_sql(conn, tenant)
        await compute(conn, tenant, rules, NOW + timedelta(minutes=1), None)
        every = await read_in_sql(conn, tenant)
    assert some == {k: v for k, v in every.items() if UUID(k[0]) in few}
    assert some


async def test_the_shipped_rules_agree_too_and_old_readings_go(database, tenant):
    rng = random.Random(5)
    rules = load().rules
    presences = [
        replace(
            p,
            country=rng.choice(["TR", "BR", "SA", "QA", "AU", "CN", "IN", "RU", "ZA", "CL", "EG", "ID", "BE"]),
            home_country=rng.choice(["DE", "CL", "BR", None]),
        )
        for p in random_presences(rng, 40)
    ]
    presences = [replace(p, plmn="505-01") if p.country == "AU" else p for p in presences]
    async with database.tenant(tenant) as conn:
        await fill(conn, tenant, presences)
        await compute(conn, tenant, rules, NOW, None)
        in_sql = await read_in_sql(conn, tenant)
        counting = [r for r in rules if r.counts and r.scope.declared is None]
        assert in_sql == as_rows(read_in_python(counting, presences, NOW))
        assert {rule for _, rule in in_sql} >= {
            "tr-permanent-roaming-data",
            "br-permanent-roaming",
            "qa-permanent-roaming",
        }
        await conn.execute("delete from presence where country = 'TR'")
        await compute(conn, tenant, rules, NOW + timedelta(hours=1), None)
        left = {rule for _, rule in await read_in_sql(conn, tenant)}
    assert left
    assert not [rule for rule in left if rule.startswith("tr-")]


async def test_another_tenant_is_not_seen(database, tenant):
    other = UUID("018f0000-0000-7000-8000-000000000002")
    presences = random_presences(random.Random(1), 5)
    async with database.nameless() as conn:
        await conn.execute("select create_tenant(%s, %s, %s)", (other, "umbrella", NOW))
    async with database.tenant(other) as conn:
        await fill(conn, other, presences)
    async with database.tenant(tenant) as conn:
        assert await compute(conn, tenant, load().rules, NOW, None) == 0


async def test_golden(database, tenant):
    found = {}
    for case in CASES:
        async with database.tenant(tenant) as conn:
            await fill(conn, tenant, list(case.presences))
            await compute(conn, tenant, load().rules, case.now, None)
            found[case.name] = (await read_in_sql(conn, tenant)).get((DEVICE, case.rule), (0, None, None))[:2]
            for table in ("presence", "fact", "clock"):
                await conn.execute(f"delete from {table}")
    assert found == {case.name: (case.used, case.breach_at) for case in CASES}


async def test_facts_follow_the_binding_rule_and_the_law(database, tenant):
    turkey = seen("TR", "2026-10-01T12:00", "2026-11-20T08:00", eid="89049032000000000000000000000001")
    belgium = seen(
        "BE",
        "2026-10-01T12:00",
        "2026-11-20T08:00",
        device=str(device_id(11)),
        imsi="262010000000011",
        imei="350000000000116",
    )
    mongolia = seen(
        "MN",
        "2026-10-01T12:00",
        "2026-11-20T08:00",
        device=str(device_id(12)),
        imsi="262010000000012",
        imei="350000000000124",
    )
    async with database.tenant(tenant) as conn:
        await fill(conn, tenant, [turkey, belgium, mongolia])
        await conn.execute("insert into fact (tenant, device) values (%s, %s)", (tenant, device_id(13)))
        await compute(conn, tenant, load().rules, NOW, None)
        rows = await (
            await conn.execute(
                "select breach_at, days_used, imei_breach_at, law_stance, law_confidence from fact order by device"
            )
        ).fetchall()
    assert rows == [
        (at("2026-12-29T21:00"), 51, at("2027-01-28T21:00"), "restricted", "high"),
        (None, None, None, "restricted", "low"),
        (None, None, None, "unknown", "low"),
        (None, None, None, None, None),
    ]


async def test_facts_clear_when_a_device_moves_to_a_local_profile(database, tenant):
    stay = seen("SA", "2026-08-01T12:00", "2026-11-20T08:00")
    async with database.tenant(tenant) as conn:
        await fill(conn, tenant, [stay])
        await compute(conn, tenant, load().rules, NOW, [UUID(DEVICE)])
        before = await (await conn.execute("select breach_at, days_used from fact")).fetchone()
        await conn.execute("delete from fact")
        await fill(
            conn, tenant, [seen("SA", "2026-11-20T08:30", "2026-11-20T08:40", home="SA", imsi="420010000000001")]
        )
        await compute(conn, tenant, load().rules, NOW, [UUID(DEVICE)])
        after = await (await conn.execute("select breach_at, days_used, law_stance from fact")).fetchone()
        kept = await (await conn.execute("select rule, days_used, breach_at from clock")).fetchall()
    assert before == (at("2026-11-28T21:00"), 112)
    assert after == (None, None, "restricted")
    assert kept == [("sa-permanent-roaming", 112, None)]
