"""The baseline's judgement: what is not known is counted as unknown, and a finding names the filter of its members."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from fairlead.insight.baseline import (
    TOP,
    AccountContract,
    Breaches,
    Inventory,
    Lines,
    Listed,
    Place,
    PlanTerms,
)
from fairlead.insight.baseline_places import breaches, coverage_gaps, redundant_carriers, stranded
from fairlead.insight.baseline_sims import contracts, silent_sims, unused_data
from fairlead.model.radio import Rat, SkuRadio, Sunset
from fairlead.model.register import Contract

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = frozenset({"places", "lines", "breaches"})
EMPTY = Inventory(now=NOW, silent_days=30, notice_days=90, counted=ALL)
MB = 10**6


def place(devices: int, country="PL", account="a", sku="TRK", plmn=None, plan="iot") -> Place:
    return Place(country=country, account=account, sku=sku, plmn=plmn, plan=plan, devices=devices, seen_at=NOW)


def lines(**given) -> Lines:
    return Lines(
        **{
            "account": "a", "plan": "iot", "lines": 10, "silent": 0, "never_seen": 0, "unknown": 0, "measured": 0,
            "included_bytes": 0, "used_bytes": 0, "unused_bytes": 0, "fed_to": NOW,
        } | given
    )  # fmt: skip


def listed(account: str, country: str, *rats: Rat) -> Listed:
    return Listed(account=account, country=country, rats=frozenset(rats), source="list", as_of=date(2026, 1, 1))


TRK = SkuRadio(sku="TRK", rats=(Rat.LTE_M, Rat.NB_IOT))
EUR = PlanTerms(plan="iot", currency="EUR", monthly_nano=2 * 10**9)


def test_unused_data_is_of_the_measured_and_the_rest_is_unknown():
    known = replace(
        EMPTY, prices=[EUR],
        lines=[lines(measured=4, included_bytes=40 * MB, used_bytes=10 * MB, unused_bytes=30 * MB), lines(account="b")],
    )  # fmt: skip
    found = unused_data(known)
    unused, included = found.figures
    assert (unused.value, included.value, unused.unknown, unused.of) == (30 * MB, 40 * MB, 16, 20)
    (one,) = found.findings
    assert (one.members, one.monthly, one.link.exact) == (4, {"EUR": "6"}, False)
    assert one.link.asks == {"carrier": "a", "state": "active", "plan": "iot"}
    assert unused_data(replace(EMPTY, lines=[lines()])).figures[0].value is None, (
        "nothing measured is not nothing unused"
    )
    small = lines(measured=4, included_bytes=40 * MB, used_bytes=32 * MB, unused_bytes=8 * MB)
    assert unused_data(replace(EMPTY, lines=[small])).findings == ()


def test_silent_and_never_seen_are_told_apart_and_no_price_is_no_zero():
    known = replace(EMPTY, lines=[lines(silent=3, never_seen=2, unknown=1), lines(account="b", unknown=10)])
    found = silent_sims(known)
    assert [(one.value, one.unknown, one.of) for one in found.figures] == [(3, 11, 20), (2, 11, 20)]
    assert [(one.code, one.members, one.unpriced, one.monthly) for one in found.findings] == [
        ("silent", 3, 3, {}), ("never-seen", 2, 2, {}),
    ]  # fmt: skip
    assert found.findings[0].link.asks["silence"] == "silent"
    assert silent_sims(replace(EMPTY, lines=[lines(unknown=10)])).figures[0].value is None


def test_a_count_that_ran_out_of_time_is_no_zero():
    late = replace(EMPTY, counted=frozenset())
    for ask in (unused_data, silent_sims, redundant_carriers, coverage_gaps, stranded, breaches):
        found = ask(late)
        assert found.figures[0].value is None, found.key
        assert "Not counted" in found.note


def test_redundant_carriers_say_whom_the_largest_could_serve():
    known = replace(
        EMPTY, prices=[EUR], skus=[TRK, SkuRadio(sku="OLD", rats=(Rat.G2,))],
        coverage=[listed("a", "PL", Rat.LTE_M)],
        places=[
            place(50), place(5, account="b"), place(3, account="b", sku="OLD"), place(2, account="c", sku="?", plan=None),
            place(9, country="DE"), place(4, country=None),
        ],
    )  # fmt: skip
    found = redundant_carriers(known)
    (one,) = found.findings
    facts = one.facts
    assert (facts["accounts"], facts["largest"], facts["could_move"], facts["could_not"], facts["unknown"]) == (
        3, "a", 5, 3, 2,
    )  # fmt: skip
    assert (one.members, one.monthly, one.unpriced) == (60, {"EUR": "16"}, 2)
    assert [(f.value, f.unknown, f.of) for f in found.figures] == [(1, 4, 73), (10, 4, 73)]


def test_gaps_are_no_coverage_or_no_common_technology_and_unknown_is_neither():
    known = replace(
        EMPTY, skus=[TRK, SkuRadio(sku="OLD", rats=(Rat.G2,))], coverage=[listed("a", "PL", Rat.LTE_M)],
        places=[
            place(50), place(7, country="BR"), place(3, sku="OLD"), place(2, sku=None), place(4, account="b"),
            place(1, country=None),
        ],
    )  # fmt: skip
    found = coverage_gaps(known)
    assert [(one.code, one.members) for one in found.findings] == [("no-coverage", 7), ("no-common-rat", 3)]
    assert found.findings[1].link.asks == {"country": "PL", "carrier": "a", "sku": "OLD", "state": "active"}
    (figure,) = found.figures
    assert (figure.value, figure.unknown, figure.of) == (10, 7, 67)
    assert coverage_gaps(replace(known, coverage=[])).figures[0].value is None


def test_stranded_come_soonest_first_and_unread_radios_are_listed():
    ends = [
        Sunset(country="AU", rat=Rat.G3, plmn=None, off_on=date(2026, 9, 1), confidence="medium", source="x",
               as_of=date(2026, 1, 1)),
        Sunset(country="JP", rat=Rat.G3, plmn=None, off_on=date(2025, 1, 1), confidence="low", source="y",
               as_of=date(2025, 1, 1)),
    ]  # fmt: skip
    known = replace(
        EMPTY, sunsets=ends, skus=[TRK, SkuRadio(sku="OLD", rats=(Rat.G3,))],
        places=[place(9, country="AU"), place(5, country="AU", sku="OLD"), place(2, country="JP", sku="OLD"),
                place(8, sku="NEW"), place(1, sku=None)],
    )  # fmt: skip
    found = stranded(known)
    assert [(one.code, one.members) for one in found.findings] == [
        ("stranded", 2), ("stranded", 5), ("radio-unknown", 8),
    ]  # fmt: skip
    assert "the source may be wrong" in found.findings[0].says, "one was seen there after the day"
    assert found.findings[1].facts["days_left"] == (date(2026, 9, 1) - NOW.date()).days
    (figure,) = found.figures
    assert (figure.value, figure.unknown, figure.of) == (7, 9, 25)


def test_contracts_tell_what_ends_and_by_when_notice_is_due():
    def kept(account: str, active=None, **given) -> AccountContract:
        return AccountContract(account=account, contract=Contract(number="N", **given), active=active)

    today = NOW.date()
    known = replace(
        EMPTY, accounts=["a", "b", "c", "d", "e"],
        contracts=[
            kept("a", ends_on=today + timedelta(days=200), notice_days=180), kept("b", ends_on=today - timedelta(days=2)),
            kept("c", ends_on=today + timedelta(days=900), notice_days=90),
            kept("d", ends_on=today + timedelta(days=900), committed_sims=100, active=40),
        ],
    )  # fmt: skip
    found = contracts(known)
    assert sorted(str(one.facts["account"]) for one in found.findings) == ["a", "b", "d"]
    told = {one.facts["account"]: one.says for one in found.findings}
    assert "notice must be given by 2026-03-21 (in 20 days)" in told["a"]
    assert "ended 2 days ago" in told["b"]
    assert "40 SIMs are active of 100 committed" in told["d"]
    (figure,) = found.figures
    assert (figure.value, figure.unknown, figure.of) == (3, 1, 5)
    assert contracts(replace(EMPTY, accounts=["a"])).figures[0].value is None


def test_breaches_are_each_in_one_bucket():
    one = Breaches(country="TR", devices=10, breached=1, within_7=2, within_30=3, within_90=1, unread=0)
    rest = Breaches(country=None, devices=5, breached=0, within_7=0, within_30=0, within_90=0, unread=5)
    found = breaches(replace(EMPTY, breaches=[one, rest]))
    assert [figure.value for figure in found.figures] == [1, 2, 3, 1]
    assert (found.figures[0].unknown, found.figures[0].of) == (5, 15)
    assert found.findings[0].link.asks == {"country": "TR", "breach_before": "2026-05-30T12:00:00Z"}


def test_only_the_largest_findings_are_told_and_the_rest_counted():
    known = replace(EMPTY, places=[place(n + 1, sku=f"S{n}") for n in range(TOP + 3)])
    found = stranded(known)
    assert (len(found.findings), found.more) == (TOP, 3)
    assert found.findings[0].members == TOP + 3


def test_groups_beyond_the_bound_are_unknown():
    found = coverage_gaps(replace(EMPTY, places=[place(5)], unjudged_devices=7, coverage=[listed("a", "PL", Rat.LTE)],
                                  skus=[TRK]))  # fmt: skip
    assert (found.figures[0].value, found.figures[0].unknown, found.figures[0].of) == (5, 7, 12)
