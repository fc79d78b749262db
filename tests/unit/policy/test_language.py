"""The expression language: what is accepted, what it means, and what each refusal says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.model.expression import Expr, Value, facts_named, facts_read, source, time_thresholds
from fairlead.policy.check import read_expression, unreachable
from fairlead.policy.evaluate import holds, missing
from fairlead.policy.syntax import Refusal

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS_LEFT = 'clock("permanent-roaming").days_left'


def accepted(text: str, context: str = "device") -> Expr:
    read = read_expression(text, context=context)  # type: ignore[arg-type]
    assert not isinstance(read, Refusal), str(read)
    return read


def refused(text: str, context: str = "device") -> Refusal:
    read = read_expression(text, context=context)  # type: ignore[arg-type]
    assert isinstance(read, Refusal), source(read)
    return read


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("roaming || roaming && !roaming", "roaming || roaming && !roaming"),
        ("(roaming || roaming) && roaming", "(roaming || roaming) && roaming"),
        ("usage_24h_bytes - 1 - 2 > 3 * 4 + 5", "usage_24h_bytes - 1 - 2 > 17"),
        ("usage_24h_bytes - (usage_month_bytes - 2) > 0", "usage_24h_bytes - (usage_month_bytes - 2) > 0"),
        ("7 / -2 == -3 && roaming", "roaming"),
        ("-7 % 3 == -1 && roaming", "roaming"),
        ("roaming ? sku == 'a' : sku == 'b'", 'roaming ? sku == "a" : sku == "b"'),
        ("roaming ? true : roaming ? false : true", "roaming ? true : roaming ? false : true"),
        ("!!roaming", "roaming"),
        ("country in ['NO', \"SE\"]", 'country in ["NO", "SE"]'),
        (r"sku == 'a\x41\u00e9\U0001F6F0\101\n'", 'sku == "aAé\U0001f6f0A\\n"'),
        (r"sku == r'a\n'", 'sku == "a\\\\n"'),
        ('sku == """a"b"""', 'sku == "a\\"b"'),
        ("usage_24h_bytes > 50 * MB // decimal megabytes\n && roaming", "usage_24h_bytes > 50000000 && roaming"),
        ("usage_24h_bytes >= 0x10", "usage_24h_bytes >= 16"),
        ("success_rate_1h >= 1", "success_rate_1h >= 1.0"),
        ("1 <= success_rate_1h", "1.0 <= success_rate_1h"),
        ("success_rate_1h < .5", "success_rate_1h < 0.5"),
        ("size(tags) == 2 && sku.size() < 3", "tags.size() == 2 && sku.size() < 3"),
        ("30 >= " + DAYS_LEFT, DAYS_LEFT + " <= 30"),
        (DAYS_LEFT + " <= 7 * 4", DAYS_LEFT + " <= 28"),
        ('last_contact_age > duration("1h30m")', 'last_contact_age > duration("5400000000us")'),
        (
            'cert_not_after < timestamp("2027-01-01T01:00:00+01:00")',
            'cert_not_after < timestamp("2027-01-01T00:00:00Z")',
        ),
        ("roaming && (sku == 'a' && sku == 'b')", 'roaming && sku == "a" && sku == "b"'),
        ("roaming || true", "true"),
    ],
)
def test_reads(text: str, means: str) -> None:
    read = accepted(text)
    assert source(read) == means
    assert source(accepted(means)) == means


@pytest.mark.parametrize(
    ("text", "column", "problem", "expected"),
    [
        ("contry == 'BR'", 1, "unknown fact `contry`", "did you mean `country`?"),
        ("days_left <= 30", 1, "unknown fact `days_left`", DAYS_LEFT),
        ("devices_in_country > 3", 1, "unknown fact", "fact of a country condition"),
        ("roaming and roaming", 9, "`and` is not an operator", "`&&`"),
        ("not roaming", 1, "`not` is not an operator", "`!`"),
        ("country = 'BR'", 9, "unexpected character '='", "write =="),
        ("country == BR", 12, "unknown fact `BR`", "one of"),
        ("country == 'BR", 12, "never ends", "close it with '"),
        ("usage_24h_bytes > 1.5", 19, "int and double", "decimal point"),
        ("usage_24h_bytes > '5'", 19, "int and string", "one type"),
        ("country > 5", 11, "string and int", "one type"),
        ("roaming > false", 1, "a bool has no order", "`==`"),
        ("tags == tags", 1, "lists cannot be compared", "in tags"),
        ("tags.contains('a')", 1, "`contains` looks into text", "in tags"),
        ("sku.beginsWith('a')", 1, "unknown function `beginsWith`", "one of: startsWith"),
        ("tags[0] == 'a'", 5, "cannot be indexed", "in tags"),
        ("[1, 2] == tags", 2, "constant strings only", "||"),
        ("country in []", 12, "empty list", "at least one"),
        ("sku", 1, "this is a string, not a condition", "compare"),
        ("usage_24h_bytes", 1, "this is a int, not a condition", "compare"),
        ("1 / 0 == 1", 1, "overflows or divides by zero", "64 bits"),
        ("9223372036854775807 + 1 > 0", 1, "overflows", "64 bits"),
        ("usage_24h_bytes > 9223372036854775808", 19, "does not fit 64 bits", "2^63"),
        ("usage_24h_bytes > " + "9" * 5000, 19, "does not fit 64 bits", "2^63"),
        ("success_rate_1h > 1e400", 19, "too large", "finite"),
        ("success_rate_1h * 2.0 > 1.0", 1, "this is a double", "whole numbers"),
        ("usage_24h_bytes > 5u", 19, "unsigned", "without its suffix"),
        ("last_contact_age > 24h", 20, "may not run into a name", 'duration("24h")'),
        ("last_contact_age > 24", 20, "this is a int", 'duration("24h")'),
        ('last_contact_age > duration("1d")', 20, "'1d' is not a duration", "24h"),
        ("last_contact_age > duration('1ns')", 20, "is not a duration", "24h"),
        (DAYS_LEFT + " <= usage_24h_bytes", 41, "follows the clock", "<= 30"),
        (DAYS_LEFT + " + 1 <= 30", 1, "follows the clock", "<= 30"),
        (DAYS_LEFT + " <= 40000", 41, "a hundred years", "36500"),
        ("clock('other').days_left < 3", 1, "unknown fact", "did you mean"),
        ("clock('permanent-roaming') == 3", 1, "a clock has fields", "days_left"),
        ("state == 'activ'", 10, "'activ' is not a value", "did you mean 'active'"),
        ("connectivity in ['online', 'of']", 17, "'of' is not a value", "one of"),
        ("sku == null", 8, "there is no null", "absent"),
        ("if == 3", 1, "reserved word", "?"),
        ("roaming ? 1 : 'a'", 15, "int and string", "one type"),
        ("sku ? roaming : roaming", 1, "this is a string", "condition before `?`"),
        ("(roaming", 9, "the expression ends here", "`)`"),
        ("roaming roaming", 9, "unexpected `roaming`", "an operator or the end"),
        ("sku == 'a\\q'", 8, "unknown escape", "raw string"),
        ("sku == 'a\\000'", 8, "NUL", "remove"),
        ("sku == '\\ud800'", 8, "half surrogates", "remove"),
        ("sku == b'a'", 8, "bytes", "without the b"),
        ("{'a': 1} == sku", 1, "maps", "a fact"),
        ("   ", 1, "empty", "condition"),
        ("", 1, "empty", "condition"),
        ("(" * 40 + "roaming" + ")" * 40, 33, "too deeply nested", "32"),
        ("!" * 60 + "roaming", 32, "too deeply nested", "32"),
        ("(" * 29 + "usage_24h_bytes" + " + 1 + 1)" * 29 + " + 1" * 30 + " + 1 > 0", 30, "too deeply nested", "64"),
        ("usage_24h_bytes" + " + 1" * 60 + " > 0", 149, "too deeply nested", "32"),
        ("roaming" + " || roaming" * 1500, 1, "too long", "8192"),
    ],
)
def test_refuses_with_place_and_suggestion(text: str, column: int, problem: str, expected: str) -> None:
    refusal = refused(text)
    assert problem in refusal.problem
    assert expected in refusal.expected
    assert (refusal.line, refusal.column) == (1, column)


def test_the_place_of_a_refusal_counts_lines() -> None:
    refusal = refused("roaming &&\n  contry == 'BR'")
    assert (refusal.line, refusal.column) == (2, 3)


def test_long_chains_are_wide_not_deep() -> None:
    assert holds(accepted(" || ".join(["roaming"] * 300)), {"roaming": True}, NOW) is True


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab1.\"'\\(){}[]!&|<>=+-*/%?:, \nrinuxXU0é\x00clock", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    read = read_expression(text, context="device")
    if isinstance(read, Refusal):
        assert read.line >= 1
        assert read.column >= 1


@pytest.mark.parametrize(
    ("text", "facts", "truth"),
    [
        ("roaming && sku == 'a'", {"roaming": False}, False),
        ("sku == 'a' && roaming", {"roaming": False}, False),
        ("roaming && sku == 'a'", {"roaming": True}, None),
        ("roaming || sku == 'a'", {"roaming": True}, True),
        ("sku == 'a' || roaming", {"roaming": True}, True),
        ("sku != 'a'", {}, None),
        ("!roaming", {}, None),
        ("roaming ? true : true", {}, None),
        ("country in ['BR']", {}, None),
        ("'x' in tags", {"tags": ()}, False),
        ("'x' in tags", {"tags": ("y", "x")}, True),
        ("sku.startsWith('tr') && sku.endsWith('r2') && sku.contains('ack')", {"sku": "tracker2"}, True),
        ("sku.startsWith(batch)", {"sku": "a"}, None),
        (
            "usage_24h_bytes / days == 1".replace("days", "usage_month_bytes"),
            {"usage_24h_bytes": 1, "usage_month_bytes": 0},
            None,
        ),
        ("usage_24h_bytes + 1 > 0", {"usage_24h_bytes": 2**63 - 1}, None),
        ("-usage_24h_bytes > 0", {"usage_24h_bytes": -(2**63)}, None),
        ("usage_24h_bytes / 2 == -3 && usage_24h_bytes % 2 == -1", {"usage_24h_bytes": -7}, True),
        ("sku.size() == 1", {"sku": "\U0001f6f0"}, True),
    ],
)
def test_absent_facts_follow_cel(text: str, facts: dict[str, Value], truth: bool | None) -> None:
    assert holds(accepted(text), facts, NOW) is truth


@pytest.mark.parametrize(
    ("given", "truth"),
    [
        (NOW + timedelta(hours=24 * 30), True),
        (NOW + timedelta(hours=24 * 30, microseconds=1), False),
        (NOW - timedelta(days=9), True),
        (30, True),
        (31, False),
        (None, None),
    ],
)
def test_a_countdown_may_be_given_as_instant_or_as_days(given: Value, truth: bool | None) -> None:
    assert holds(accepted(DAYS_LEFT + " <= 30"), {DAYS_LEFT: given}, NOW) is truth


def test_ages_and_remaining_times() -> None:
    silent = accepted('last_contact_age > duration("24h")')
    assert holds(silent, {"last_contact_age": NOW - timedelta(hours=25)}, NOW) is True
    assert holds(silent, {"last_contact_age": NOW - timedelta(hours=24)}, NOW) is False
    ending = accepted('cert_age_left <= duration("720h")')
    assert holds(ending, {"cert_age_left": NOW + timedelta(days=30)}, NOW) is True
    assert time_thresholds(silent) == {("last_contact_at", -timedelta(hours=24))}
    assert time_thresholds(ending) == {("cert_not_after", timedelta(days=30))}


def test_what_an_expression_reads() -> None:
    expr = accepted('country == "BR" && group == "a" && clock("permanent-roaming").days_left == 3 && tenant == "acme"')
    assert facts_read(expr) == {"country", "device_group", "breach_at"}
    assert facts_named(expr) == {"country", "group", DAYS_LEFT, "tenant"}
    assert time_thresholds(expr) == {("breach_at", timedelta(days=3)), ("breach_at", timedelta(days=2))}
    assert missing(expr, {"country": "BR", "group": None}) == {"group", DAYS_LEFT, "tenant"}


def test_each_context_has_its_own_facts() -> None:
    accepted("devices_in_country >= 2000 || law.stance in ['prohibited']", "country")
    accepted("success_rate_1h >= 0.97", "network")
    accepted("!(country in assigned_countries)", "session")
    refused("imei_changed", "device")
    refused("sku == 'a'", "network")


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (["roaming", "sku == 'a'"], ()),
        (["true", "sku == 'a'"], ((1, 0),)),
        (["roaming", "roaming"], ((1, 0),)),
        (["roaming", "roaming && sku == 'a'"], ((1, 0),)),
        (["roaming && sku == 'a'", "roaming"], ()),
        (["roaming && sku == 'a'", "sku == 'a' && plmn == 'b' && roaming"], ((1, 0),)),
        (["roaming || sku == 'a'", "sku == 'a'"], ((1, 0),)),
        (["false", "roaming"], ((0, 0),)),
        ([None, "roaming"], ((1, 0),)),
        (["roaming", None], ()),
    ],
)
def test_rules_that_are_never_reached(conditions: list[str | None], found: tuple[tuple[int, int], ...]) -> None:
    assert unreachable([None if text is None else accepted(text) for text in conditions]) == found
