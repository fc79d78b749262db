from datetime import UTC, datetime, timedelta

from fairlead.model.subscription import (
    VERB_TARGET,
    CapabilityRecord,
    Freshness,
    SubscriptionState,
    Verb,
    VerbCapability,
    capability,
    narrowed,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RECORD = CapabilityRecord(
    version="x/1", verbs={verb: VerbCapability(supported=True) for verb in (Verb.SUSPEND, Verb.STANDBY)}
)


def test_a_value_proves_only_what_it_cannot_predate() -> None:
    fresh = Freshness(observed_at=NOW, staleness=timedelta(minutes=5), source="x")
    assert fresh.proves_after(NOW - timedelta(minutes=5))
    assert not fresh.proves_after(NOW - timedelta(minutes=4))


def test_a_verb_nobody_named_is_unsupported_with_a_reason() -> None:
    missing = capability(RECORD, Verb.TERMINATE)
    assert not missing.supported
    assert missing.because


def test_a_plan_narrows_a_carriers_record_and_leaves_the_original() -> None:
    narrow = narrowed(RECORD, {Verb.STANDBY: "the plan has no standby", Verb.TERMINATE: "never"})
    assert capability(narrow, Verb.STANDBY) == VerbCapability(supported=False, because="the plan has no standby")
    assert capability(narrow, Verb.TERMINATE).because == "never"
    assert capability(narrow, Verb.SUSPEND).supported
    assert capability(RECORD, Verb.STANDBY).supported


def test_every_state_a_verb_aims_at_is_a_known_one() -> None:
    assert SubscriptionState.UNKNOWN not in VERB_TARGET.values()
    assert VERB_TARGET[Verb.RESUME] is VERB_TARGET[Verb.ACTIVATE]
