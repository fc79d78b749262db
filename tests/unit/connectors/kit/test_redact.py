from fairlead.connectors._kit.redact import Redactor
from fairlead.engine.ports.carrier import Secret


def test_known_and_learned_secrets_become_stars_and_the_longest_goes_first() -> None:
    redactor = Redactor(Secret("swordfish"), Secret("swordfish-extended"))
    redactor.learn(Secret("token-1"))
    assert redactor.clean("a swordfish-extended b swordfish c token-1") == "a *** b *** c ***"
    redactor.learn(Secret("token-2"))
    assert redactor.clean("token-1 token-2") == "token-1 ***"


def test_a_secret_too_short_to_hide_does_not_blank_the_text() -> None:
    assert Redactor(Secret("a"), Secret("")).clean("banana") == "banana"


def test_long_texts_are_cut() -> None:
    assert len(Redactor().clean("x" * 100_000)) == 2_001


def test_a_secret_never_prints_itself() -> None:
    secret = Secret("swordfish")
    assert "swordfish" not in f"{secret} {secret!r} {[secret]}"
    assert secret == Secret("swordfish")
    assert secret != Secret("other")
