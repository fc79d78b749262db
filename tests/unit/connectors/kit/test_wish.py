"""What a record shows, and references that outlive a process."""

from datetime import UTC, datetime, timedelta

import pytest

from fairlead.connectors._kit.wish import MalformedReference, Wish, network_value, read_reference
from fairlead.engine.ports.carrier import (
    DataLimit,
    FormFactor,
    ImeiLock,
    NetworkPolicy,
    ProviderId,
    SessionStatus,
    SimRecord,
)
from fairlead.model.identifiers import Imei, Plmn
from fairlead.model.subscription import Connectivity, Freshness, SubscriptionState, SubscriptionStatus

FRESH = Freshness(observed_at=datetime(2026, 3, 1, tzinfo=UTC), staleness=timedelta(0), source="x")
IMEI, OTHER = Imei("352099000000017"), Imei("352099000000025")


def record(online: bool = False, **more: object) -> SimRecord:
    connectivity = Connectivity.ONLINE if online else Connectivity.OFFLINE
    return SimRecord(
        provider_id=ProviderId("1"),
        iccid=None,
        subscription=SubscriptionStatus(state=SubscriptionState.ACTIVE, provider_state="active"),
        session=SessionStatus(connectivity=connectivity, freshness=FRESH, session_id="s1" if online else ""),
        freshness=FRESH,
        form_factor=FormFactor.SOLDERED,
        **more,
    )


POLICY = NetworkPolicy(kind="block", plmns=frozenset({Plmn(mcc="286", mnc="02"), Plmn(mcc="204", mnc="08")}))


@pytest.mark.parametrize(
    ("kind", "value", "shows", "shows_not"),
    [
        ("plan", "p", {"plan": "p"}, {"plan": "q"}),
        (
            "imei_lock",
            IMEI,
            {"imei_lock": ImeiLock(on=True, imeis=frozenset({IMEI}))},
            {"imei_lock": ImeiLock(on=True)},
        ),
        ("imei_lock", IMEI, {"imei_lock": ImeiLock(on=True, imeis=frozenset({IMEI}))}, {"imei_lock": None}),
        (
            "imei_lock",
            IMEI,
            {"imei_lock": ImeiLock(on=True, imeis=frozenset({IMEI}))},
            {"imei_lock": ImeiLock(on=True, imeis=frozenset({IMEI, OTHER}))},
        ),
        ("imei_lock", "", {"imei_lock": ImeiLock(on=False)}, {"imei_lock": None}),
        ("limit", "5", {"limit": DataLimit(limit_bytes=5)}, {"limit": DataLimit(limit_bytes=6)}),
        ("limit", "", {"limit": DataLimit(limit_bytes=None)}, {"limit": None}),
        ("networks", network_value(POLICY), {"network_policy": POLICY}, {"network_policy": None}),
        ("reconnection", "s1", {"online": False}, {"online": True}),
    ],
)
def test_a_wish_is_met_by_what_shows_it_and_by_nothing_else(
    kind: str, value: str, shows: dict, shows_not: dict
) -> None:
    wish = Wish(kind=kind, value=value)  # type: ignore[arg-type]
    assert wish.met(record(**shows))
    assert not wish.met(record(**shows_not))
    assert read_reference(wish.reference(ProviderId("8990"))) == ("8990", wish)


@pytest.mark.parametrize("text", ["", "state", "state 1", "wish 1 x", "batch suspend g"])
def test_a_reference_nobody_gave_is_refused(text: str) -> None:
    with pytest.raises(MalformedReference, match="reference"):
        read_reference(text)
