"""The device shadow as JSON over MQTT.

`edge.mqtt` reads and answers devices with it, the simulator's devices speak it from the other
side. Fields, suffixes and error codes are those of AWS IoT's Device Shadow service ("Shadow MQTT
topics", "Shadow service documents", "Shadow error messages"), so that a device which speaks that
needs another topic prefix and nothing else. Timestamps are seconds since 1970; versions count up.

`topics` names things, `json` refuses what may not arrive, `messages` reads and writes,
`state` merges and compares. Everything that is wrong is a `ShadowError`.
"""

from fairlead.wire.shadow.json import STATE_DEPTH, STATE_LIMIT_BYTES, Json, ShadowError, State, parse
from fairlead.wire.shadow.messages import (
    ANSWER_LIMIT_BYTES,
    REQUEST_LIMIT_BYTES,
    TOKEN_LIMIT_BYTES,
    DeleteAccepted,
    DeleteRequest,
    Delta,
    Documents,
    GetAccepted,
    GetRequest,
    Message,
    Rejected,
    Snapshot,
    UpdateAccepted,
    UpdateRequest,
    read_answer,
    read_delete,
    read_get,
    read_update,
)
from fairlead.wire.shadow.state import check_size, delta, merge, same, select, stamp
from fairlead.wire.shadow.topics import PREFIX, UNNAMED, Answer, Topic, Verb, read_path, read_subject, read_topic

__all__ = [
    "ANSWER_LIMIT_BYTES", "PREFIX", "REQUEST_LIMIT_BYTES", "STATE_DEPTH", "STATE_LIMIT_BYTES", "TOKEN_LIMIT_BYTES",
    "UNNAMED", "Answer", "DeleteAccepted", "DeleteRequest", "Delta", "Documents", "GetAccepted", "GetRequest", "Json",
    "Message", "Rejected", "ShadowError", "Snapshot", "State", "Topic", "UpdateAccepted", "UpdateRequest", "Verb",
    "check_size", "delta", "merge", "parse", "read_answer", "read_delete", "read_get", "read_path", "read_subject",
    "read_topic", "read_update", "same", "select", "stamp",
]  # fmt: skip
