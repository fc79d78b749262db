"""What a plan says of the carriers it asks."""

from dataclasses import replace
from datetime import timedelta

from fairlead.model.facet import Facet
from fairlead.model.situation import FacetChange, SimSide, Situation
from fairlead.model.subscription import VerbCapability
from fairlead.plan.recipes import recipe_for

PLAIN = VerbCapability(supported=True, billable=False, traffic_after="none")


def suspended(meaning: VerbCapability) -> Situation:
    meanings = {"suspend": meaning, "activate": PLAIN}
    side = SimSide(
        account="net", connector="x", present=True, state="active", verbs=frozenset(meanings), meanings=meanings
    )
    change = FacetChange(facet=Facet.SUBSCRIPTION, before=None, after={"state": "suspended"})
    return Situation(
        from_class=1, to_class=2, country="PL", carrier="net", changes=(change,), target=None, current=side,
        reachable=True,
    )  # fmt: skip


def test_a_plain_carrier_needs_no_word() -> None:
    assert recipe_for(suspended(PLAIN)).notes == ()


def test_each_peculiarity_is_said_once() -> None:
    odd = replace(
        PLAIN, billable=True, traffic_after="possible", mode="job", longest=timedelta(days=2), reversible=False,
        because="only on Mondays",
    )  # fmt: skip
    assert recipe_for(suspended(odd)).notes == (
        "net, suspend: only on Mondays",
        "net may take 2 days to suspend a line",
        "net may still pass traffic of a line after suspend",
        "net goes on charging for a line after suspend",
        "nothing takes suspend back at net",
    )


def test_what_a_carrier_does_not_say_is_said_to_be_so() -> None:
    silent = VerbCapability(supported=True)
    assert recipe_for(suspended(silent)).notes == (
        "net does not say whether a line still passes traffic after suspend",
        "net does not say whether it goes on charging for a line after suspend",
    )


def test_a_slow_carrier_gets_the_time_it_needs() -> None:
    slow = recipe_for(suspended(replace(PLAIN, longest=timedelta(hours=12))))
    quick = recipe_for(suspended(PLAIN))
    assert (slow.steps[0].deadline_s, quick.steps[0].deadline_s) == (43_200, 900)
