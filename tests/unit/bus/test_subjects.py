"""Names on the bus: nothing that comes from outside may widen a subject."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.bus import subjects
from fairlead.engine.ports.bus import MalformedToken
from fairlead.model.ids import TenantId

TOKENS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@pytest.mark.parametrize("text", ["", "a.b", "*", ">", "a b", "a/b", "é", "a\n", "x" * 65, "٣"])
def test_what_may_not_stand_in_a_subject(text: str) -> None:
    with pytest.raises(MalformedToken, match="expected 1 to 64"):
        subjects.token(text)
    for build in (
        subjects.nudge,
        lambda text: subjects.device(text, "a", "shadow"),
        lambda text: subjects.device("a", text, "shadow"),
    ):
        with pytest.raises(MalformedToken):
            build(text)


def test_how_things_are_called() -> None:
    tenant = TenantId(UUID(int=5))
    assert subjects.nudge("resolve") == "fairlead.nudge.resolve"
    assert subjects.question("session.p-1") == "fairlead.ask.session.p-1"
    assert subjects.event(tenant, "change.settled") == f"fairlead.event.{tenant}.change.settled"
    assert subjects.device("acme", "a", "shadow/name/network/update") == "fairlead.v1.acme.a.shadow.name.network.update"
    assert subjects.every_device("shadow/name/+/get") == "fairlead.v1.*.*.shadow.name.*.get"


@given(TOKENS, TOKENS, st.lists(TOKENS, min_size=1, max_size=8))
def test_a_device_s_subject_reads_as_it_was_built(tenant: str, device: str, levels: list[str]) -> None:
    path = "/".join(levels)
    assert subjects.read_device(subjects.device(tenant, device, path)) == (tenant, device, path)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "fairlead.v1.acme.a",
        "fairlead.v2.acme.a.shadow",
        "fairlead.v1.acme..shadow",
        "fairlead.v1.acme.a.sha dow",
        "fairlead.v1.a.b" + ".x" * 9,
    ],
)
def test_what_is_no_device_s_subject(subject: str) -> None:
    assert subjects.read_device(subject) is None
