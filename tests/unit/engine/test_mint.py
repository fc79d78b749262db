"""Minted ids are version 7, carry their moment and go upward within it."""

from datetime import UTC, datetime, timedelta

from fairlead.engine.mint import Mint

NOW = datetime(2026, 11, 20, 8, 43, 0, 123_000, tzinfo=UTC)


def test_ids_of_one_moment_go_upward_and_differ() -> None:
    mint = Mint()
    ids = [mint.uuid7(NOW) for _ in range(5_000)]
    assert ids == sorted(set(ids))
    assert mint.uuid7(NOW + timedelta(milliseconds=1)) > ids[-1]


def test_the_form_is_that_of_rfc_9562() -> None:
    made = Mint().uuid7(NOW)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == int(NOW.timestamp() * 1000)


def test_two_processes_do_not_meet() -> None:
    assert not {Mint().uuid7(NOW) for _ in range(100)} & {Mint().uuid7(NOW) for _ in range(100)}
