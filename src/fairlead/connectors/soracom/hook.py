"""What Soracom's event handlers post to us, by a body that we prescribe. Pure.

An event handler's web request carries no signature, and its body is whatever its owner wrote, with
variables filled in. So the body is ours (`BODY`, to be pasted into the handler of a
`SimStatusAttributeRule`), and the only guard is an address that nobody can guess: what is heard is
a reason to read the SIM, and nothing else.
"""

from typing import Final

import msgspec

from fairlead.connectors._kit.reading import Fields, as_object
from fairlead.engine.ports.carrier import BadSignature, Heard, ProviderId

BODY: Final = '{"fairlead": 1, "sim": "${simId}", "old": "${oldStatus}", "new": "${newStatus}"}'
_LONGEST: Final = 10_000


def heard(body: bytes) -> tuple[Heard, ...]:
    """The one event of a request. Raises `BadSignature` for anything that is not our own body."""
    if len(body) > _LONGEST:
        raise BadSignature(f"expected at most {_LONGEST} bytes")
    try:
        value = as_object(msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        value = None
    if value is None or value.get("fairlead") != 1:
        raise BadSignature("expected the body that the event handler was given")
    complaints: list[str] = []
    fields = Fields(value, complaints)
    sim, old, new = fields.text("sim"), fields.text("old"), fields.text("new")
    if not sim or sim.startswith("$") or complaints:
        raise BadSignature("expected a SIM id where the body names one")
    raw = msgspec.json.encode({"sim": sim, "old": old, "new": new}).decode()
    return (Heard(kind="state", word=f"{old} → {new}", raw=raw, sim=ProviderId(sim)),)
