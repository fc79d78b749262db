"""The streams: bounded memory of NATS for what arrives while nobody listens.

`bus.nats` calls this. Two streams, bounded by age and per subject, so that no device and no absence
of ours can fill a disk:

    FAIRLEAD_EVENTS   events for readers outside, for a week
    $MQTT_msgs        the broker's own store of QoS 1 messages, which is unbounded as it comes

Updates of shadows are not captured: a device repeats until it is answered, and an old update that
came again later could overwrite a newer one that was accepted.
"""

import json
from typing import Any, Final, cast

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from fairlead.bus import subjects
from fairlead.engine.ports.bus import BusUnavailable, DeviceMessage

_SECOND: Final = 1_000_000_000  # JetStream counts in nanoseconds
_DAY: Final = 86_400 * _SECOND
_EVENTS: Final = "FAIRLEAD_EVENTS"
_MQTT: Final = "$MQTT_msgs"
_TIMEOUT_S: Final = 5.0
_EXISTS: Final = frozenset({10058, 10065})  # stream name in use with other settings; subjects overlap

_STREAMS: Final[dict[str, dict[str, Any]]] = {
    _EVENTS: {
        "subjects": [subjects.EVENTS],
        "retention": "limits",
        "max_age": 7 * _DAY,
        "max_msgs_per_subject": 100_000,
        "max_bytes": 256 * 1_048_576,
    },
    _MQTT: {
        "subjects": ["$MQTT.msgs.>"],
        "retention": "interest",
        "max_age": _DAY,
        "max_msgs_per_subject": 32,
        "max_bytes": 128 * 1_048_576,
    },
}


def read(message: Msg) -> DeviceMessage | None:
    """The device message in a NATS message; None when its subject is not a device's."""
    found = subjects.read_device(message.subject)
    if found is None:
        return None
    tenant, device, path = found
    return DeviceMessage(tenant=tenant, device=device, path=path, payload=message.data)


async def prepare(client: Client) -> None:
    """Make the streams, or bring them to these bounds; the same any number of times."""
    for name, bounds in _STREAMS.items():
        settings = {"name": name, "storage": "file", "discard": "old", "num_replicas": 1, **bounds}
        answer = await _api(client, f"STREAM.CREATE.{name}", settings)
        if _code(answer) in _EXISTS:
            answer = await _api(client, f"STREAM.UPDATE.{name}", settings)
        _expect(name, answer)


async def _api(client: Client, call: str, body: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = await client.request(f"$JS.API.{call}", json.dumps(body).encode(), timeout=_TIMEOUT_S)
    except (nats.errors.Error, TimeoutError) as refusal:
        raise BusUnavailable(f"JetStream does not answer {call}: {refusal!r}") from refusal
    return cast("dict[str, Any]", json.loads(answer.data))


def _code(answer: dict[str, Any]) -> int:
    return int(answer.get("error", {}).get("err_code", 0))


def _expect(name: str, answer: dict[str, Any]) -> None:
    if "error" in answer:
        raise BusUnavailable(f"JetStream refuses {name}: {answer['error'].get('description')}")
