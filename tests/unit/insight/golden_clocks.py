"""The golden cases of the roaming clock, read in Python and in SQL.

Dates are worked out by hand from the wording of each rule; see docs/roaming-clock.md.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fairlead.insight.roaming import Presence

DEVICE = "018f0000-0000-7000-8000-00000000000a"
ACCOUNT = "018f0000-0000-7000-8000-0000000000aa"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOW = at("2026-11-20T09:00")


def seen(
    country: str, first: str, last: str, *, home: str | None = "DE", device: str = DEVICE, **more: str
) -> Presence:
    known = {"imsi": "262010000000001", "imei": "350000000000015", "account": ACCOUNT, "apn": "m2m", "plmn": "unknown"}
    return Presence(device=device, country=country, home_country=home, first=at(first), last=at(last), **(known | more))


@dataclass(frozen=True, kw_only=True)
class Golden:
    name: str
    rule: str
    presences: tuple[Presence, ...]
    used: int | None
    breach_at: datetime | None
    left: int | None
    now: datetime = NOW
    population: int | None = None

    def __str__(self) -> str:
        return self.name


def _others(devices: int) -> tuple[Presence, ...]:
    first = "2026-11-01T00:00"
    return tuple(
        seen("AU", first, first, plmn="505-01", device=f"018f0000-0000-7000-8000-{n:012d}", imsi=f"2620200000{n:05d}")
        for n in range(devices)
    )


_SIX_MONTHS = tuple(
    seen("AU", f"2026-{m:02d}-10T00:00", f"2026-{m:02d}-10T01:00", plmn="505-01") for m in (2, 4, 6, 8, 10, 11)
)
_WEEKLY = tuple(
    seen("QA", d, d)
    for d in (str((at("2026-08-28T12:00") + timedelta(days=7 * n)).replace(tzinfo=None)) for n in range(12))
)

CASES = (
    # 60 days in July and August, and from 1 November: of the last 120 days, 51 in summer still count.
    Golden(
        name="TR: 91 days together within 120, per IMEI, whatever the SIM",
        rule="tr-permanent-roaming-data",
        presences=(
            seen("TR", "2026-07-03T12:00", "2026-08-31T12:00"),
            seen("TR", "2026-11-01T12:00", "2026-11-20T08:00", imsi="262010000000002"),
        ),
        # window of 20 November: from 24 July; 39 days to 31 August and 20 in November
        used=59,
        # slack 29, absent days number 61 between the stays: counted from 1 November only, the 91st day is 30 January
        breach_at=at("2027-01-29T21:00"),
        left=71,
    ),
    Golden(
        name="TR: a short absence lets both stays count",
        rule="tr-permanent-roaming-data",
        presences=(
            seen("TR", "2026-08-23T12:00", "2026-10-11T12:00"),  # 50 days
            seen("TR", "2026-11-01T12:00", "2026-11-20T08:00"),  # 20 days, after 20 absent ones
        ),
        used=70,
        breach_at=at("2026-12-10T21:00"),  # the 91st day is 11 December, midnight in Istanbul
        left=21,
    ),
    Golden(
        name="TR: an eSIM module may work for 120 days",
        rule="tr-permanent-roaming-esim",
        presences=(seen("TR", "2026-10-01T12:00", "2026-11-20T08:00", eid="89049032000000000000000000000001"),),
        used=51,
        breach_at=at("2027-01-28T21:00"),  # the 121st day is 29 January
        left=70,
    ),
    Golden(
        name="TR: no eSIM, no eSIM rule",
        rule="tr-permanent-roaming-esim",
        presences=(seen("TR", "2026-10-01T12:00", "2026-11-20T08:00"),),
        used=0,
        breach_at=None,
        left=None,
    ),
    Golden(
        name="BR: prohibited needs no count",
        rule="br-permanent-roaming",
        presences=(seen("BR", "2026-11-18T12:00", "2026-11-20T08:00"),),
        used=3,
        breach_at=at("2026-11-18T00:00"),
        left=0,
    ),
    Golden(
        name="BR: at home nothing counts",
        rule="br-permanent-roaming",
        presences=(seen("BR", "2026-01-18T12:00", "2026-11-20T08:00", home="BR"),),
        used=0,
        breach_at=None,
        left=None,
    ),
    Golden(
        name="BR: a global SIM has no home and counts",
        rule="br-permanent-roaming",
        presences=(seen("BR", "2026-11-20T07:00", "2026-11-20T08:00", home=None, imsi="901405000000001"),),
        used=1,
        breach_at=at("2026-11-20T00:00"),
        left=0,
    ),
    Golden(
        name="BR-CL: 90 days in a row",
        rule="br-permanent-roaming-chile",
        presences=(seen("BR", "2026-09-01T12:00", "2026-11-20T08:00", home="CL"),),
        used=81,
        breach_at=at("2026-11-29T00:00"),  # the 90th day
        left=9,
    ),
    Golden(
        name="BR-CL: 120 days of the year come first",
        rule="br-permanent-roaming-chile",
        presences=(
            seen("BR", "2026-01-01T12:00", "2026-03-11T12:00", home="CL"),  # 70 days
            seen("BR", "2026-10-11T12:00", "2026-11-20T08:00", home="CL"),  # 41 days
        ),
        used=111,
        breach_at=at("2026-11-29T00:00"),  # 111 + 9 days, before the 90th in a row on 8 January
        left=9,
    ),
    Golden(
        name="BR-CL: the manual is for Chilean SIMs",
        rule="br-permanent-roaming-chile",
        presences=(seen("BR", "2026-09-01T12:00", "2026-11-20T08:00", home="DE"),),
        used=0,
        breach_at=None,
        left=None,
    ),
    Golden(
        name="SA: 120 days since first use, present or not",
        rule="sa-permanent-roaming",
        presences=(
            seen("SA", "2026-08-01T12:00", "2026-08-02T12:00"),
            seen("SA", "2026-11-19T12:00", "2026-11-20T08:00"),
        ),
        used=112,
        breach_at=at("2026-11-28T21:00"),  # day 121 is 29 November, midnight in Riyadh
        left=9,
    ),
    Golden(
        name="QA: 90 days seen weekly",
        rule="qa-permanent-roaming",
        presences=_WEEKLY,  # Fridays from 28 August to 13 November
        used=78,
        breach_at=at("2026-11-25T21:00"),  # day 91 is 26 November
        left=6,
    ),
    Golden(
        name="QA: eight days apart is not weekly",
        rule="qa-permanent-roaming",
        presences=(
            seen("QA", "2026-09-01T12:00", "2026-11-11T12:00"),
            seen("QA", "2026-11-19T12:00", "2026-11-20T08:00"),
        ),
        used=2,
        breach_at=at("2027-02-16T21:00"),  # 91st day from 19 November is 17 February
        left=89,
    ),
    Golden(
        name="AU Telstra: 6 of 12 months, more than 500 devices",
        rule="au-permanent-roaming-telstra",
        presences=(*_SIX_MONTHS, *_others(500)),
        population=501,
        used=6,
        breach_at=at("2026-11-10T00:00"),
        left=0,
    ),
    Golden(
        name="AU Telstra: 500 devices are too few",
        rule="au-permanent-roaming-telstra",
        presences=(*_SIX_MONTHS, *_others(499)),
        population=500,
        used=6,
        breach_at=None,
        left=None,
    ),
    Golden(
        name="AU Telstra: the sixth month is ahead",
        rule="au-permanent-roaming-telstra",
        presences=(*_SIX_MONTHS[1:], *_others(500)),
        population=501,
        used=5,
        breach_at=at("2026-12-01T00:00"),
        left=11,
    ),
    Golden(
        name="AU: another carrier's network is not Telstra's business",
        rule="au-permanent-roaming-telstra",
        presences=(seen("AU", "2026-01-01T00:00", "2026-11-20T08:00", plmn="505-02"), *_others(500)),
        population=501,
        used=0,
        breach_at=None,
        left=None,
    ),
    Golden(
        name="CN: prohibited, by the days of Shanghai",
        rule="cn-permanent-roaming",
        presences=(seen("CN", "2026-11-19T20:00", "2026-11-20T08:00"),),  # 04:00 on the 20th in Shanghai
        used=1,
        breach_at=at("2026-11-19T16:00"),
        left=0,
    ),
    Golden(
        name="IN: six months since activation, as recommended",
        rule="in-permanent-roaming-180",
        presences=(seen("IN", "2026-11-01T12:00", "2026-11-20T08:00", eid="89049032000000000000000000000001"),),
        used=20,
        breach_at=at("2027-04-29T18:30"),  # day 181 is 30 April, midnight in Kolkata
        left=161,
    ),
    Golden(
        name="RU: the first day after arrival",
        rule="ru-roaming-cooling-off",
        presences=(seen("RU", "2026-11-20T06:00", "2026-11-20T08:00"),),
        used=1,
        breach_at=at("2026-11-20T00:00"),
        left=0,
    ),
    Golden(
        name="a device that has left keeps its days and has no breach ahead",
        rule="sa-permanent-roaming",
        presences=(
            seen("SA", "2026-11-01T12:00", "2026-11-10T12:00"),
            seen("DE", "2026-11-11T12:00", "2026-11-20T08:00"),
        ),
        used=20,
        breach_at=None,
        left=None,
    ),
    Golden(
        name="a device that changed to a local profile has no breach ahead",
        rule="sa-permanent-roaming",
        presences=(
            seen("SA", "2026-11-01T12:00", "2026-11-10T12:00"),
            seen("SA", "2026-11-10T13:00", "2026-11-20T08:00", home="SA", imsi="420010000000001"),
        ),
        used=20,
        breach_at=None,
        left=None,
    ),
)
