"""Contracts against today, and what due diligence has not asked."""

from datetime import date

from fairlead.model.register import Contract, DueDiligence

TODAY = date(2026, 3, 1)


def contract(**given) -> Contract:
    return Contract(number="C-1", **given)


def test_a_contract_says_where_it_stands():
    end = date(2026, 12, 31)
    assert contract().state(TODAY) == "no_end_known"
    assert contract(ends_on=date(2026, 2, 28)).state(TODAY) == "ended"
    assert contract(ends_on=TODAY).state(TODAY) == "running", "its last day is a day of the contract"
    assert contract(starts_on=date(2026, 3, 2), ends_on=end).state(TODAY) == "not_begun"
    assert contract(ends_on=end, notice_days=30).state(TODAY) == "running"
    assert contract(ends_on=end, notice_days=215).state(TODAY) == "notice_due"
    assert contract(ends_on=end, notice_days=305).state(TODAY) == "notice_due", "the last day for notice"
    assert contract(ends_on=end, notice_days=306).state(TODAY) == "notice_past"


def test_days_are_calendar_days():
    kept = contract(ends_on=date(2026, 3, 31), notice_days=30)
    assert (kept.days_left(TODAY), kept.notice_by) == (30, TODAY)
    assert contract().days_left(TODAY) is None
    assert contract(ends_on=TODAY).notice_by is None


def test_an_empty_answer_is_an_answer_and_null_is_none():
    assert DueDiligence(upstream=(), breakout=()).unanswered(covered=False) == (
        "kind", "local_imsis", "plans", "fees", "contacts", "contracts", "coverage",
    )  # fmt: skip
