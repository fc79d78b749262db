"""How a reported patch changes a state, and what of the desired state is still missing.

As AWS has it ("Shadow service documents"): null deletes a key, objects are merged key by key,
arrays are values and replaced whole, and metadata mirrors the state with a stamp at each leaf.
"""

from typing import Any, cast

import msgspec

from fairlead.wire.shadow.json import STATE_LIMIT_BYTES, Json, ShadowError, State


def merge(reported: State, patch: State) -> State:
    """The state after a patch; neither argument is changed. Null deletes, also inside what the patch adds."""
    merged = dict(reported)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            below = merged.get(key)
            merged[key] = merge(_object(below), _object(value))
        else:
            merged[key] = value
    return merged


def delta(desired: State, reported: State) -> State:
    """The part of `desired` that `reported` does not have; empty when nothing is missing.

    What only `reported` has is no difference. An empty object asks for nothing. Numbers are equal by
    value, but true is not 1.
    """
    missing: State = {}
    for key, want in desired.items():
        if key not in reported:
            if want != {}:
                missing[key] = want
            continue
        have = reported[key]
        if isinstance(want, dict) and isinstance(have, dict):
            below = delta(_object(want), _object(have))
            if below:
                missing[key] = below
        elif not same(cast("Json", want), have):
            missing[key] = want
    return missing


def same(one: Json, other: Json) -> bool:
    """Whether two values are equal as JSON: Python takes true for 1, JSON does not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def stamp(metadata: State, patch: State, *, timestamp: int) -> State:
    """The metadata after a patch: each leaf that it set carries the time, each that it deleted is gone."""
    stamped = dict(metadata)
    for key, value in patch.items():
        if value is None:
            stamped.pop(key, None)
        elif isinstance(value, dict):
            below = _object(stamped.get(key))
            stamped[key] = stamp({} if _is_stamp(below) else below, _object(value), timestamp=timestamp)
        else:
            stamped[key] = _stamps(value, timestamp)
    return stamped


def select(metadata: State, part: State) -> State:
    """The metadata of a part of a state, such as of its delta."""
    chosen: State = {}
    for key, value in part.items():
        if key in metadata:
            below = metadata[key]
            deeper = isinstance(value, dict) and isinstance(below, dict) and not _is_stamp(_object(below))
            chosen[key] = select(_object(below), _object(value)) if deeper else below
    return chosen


def check_size(state: State) -> None:
    """Refuse a document that has grown beyond what one may hold: `ShadowError` 413."""
    size = len(msgspec.json.encode(state))
    if size > STATE_LIMIT_BYTES:
        raise ShadowError(413, f"The document of {size} bytes exceeds the maximum size allowed, {STATE_LIMIT_BYTES}")


def _stamps(value: Json, timestamp: int) -> Json:
    """A stamp for a leaf; an array has one for each of its leaves."""
    if isinstance(value, list):
        return [_stamps(item, timestamp) for item in value]
    if isinstance(value, dict):
        return {key: _stamps(item, timestamp) for key, item in value.items()}
    return {"timestamp": timestamp}


def _is_stamp(metadata: State) -> bool:
    return len(metadata) == 1 and isinstance(metadata.get("timestamp"), int)


def _object(value: Any) -> State:
    """A value as an object; anything else counts as an empty one."""
    return cast("State", value) if isinstance(value, dict) else {}
