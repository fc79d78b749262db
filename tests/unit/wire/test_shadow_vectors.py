"""The shadow's vectors: tests/vectors/shadow/*.txt, blocks of `field: value` lines."""

import json
from pathlib import Path

import pytest

from fairlead.wire import shadow

VECTORS = Path(__file__).parents[2] / "vectors" / "shadow"
READERS = {"update": shadow.read_update, "get": shadow.read_get, "delete": shadow.read_delete}


def blocks(name: str) -> list[dict[str, str]]:
    text = (VECTORS / name).read_text(encoding="utf-8")
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    found = []
    for block in bare.split("\n\n"):
        pairs = [line.partition(":") for line in block.strip().splitlines()]
        if pairs:
            found.append({field: value.strip() for field, _, value in pairs})
    return found


def named(name: str, *, having: str = "") -> list:
    chosen = [block for block in blocks(name) if having in block or not having]
    assert chosen, f"{name} has no vectors"
    return [pytest.param(block, id=block.get("name") or block["topic"]) for block in chosen]


@pytest.mark.parametrize("block", named("requests.txt"))
def test_request(block: dict[str, str]) -> None:
    verb = next(verb for verb in READERS if verb in block)
    text = block[verb]
    data = bytes.fromhex(text[4:]) if text.startswith("hex ") else text.encode()
    if "refused" in block:
        with pytest.raises(shadow.ShadowError) as refusal:
            READERS[verb](data)
        assert str(refusal.value).startswith(block["refused"])
        assert refusal.value.client_token == block.get("token")
        return
    read = READERS[verb](data)
    assert read.client_token == block.get("token")
    if isinstance(read, shadow.UpdateRequest):
        assert shadow.same(read.reported, json.loads(block["reported"]))
        assert read.version == (int(block["version"]) if "version" in block else None)
        assert read.timestamp == (int(block["timestamp"]) if "timestamp" in block else None)
        assert shadow.read_update(read.encode()) == read


@pytest.mark.parametrize("block", named("states.txt", having="merged"))
def test_merge(block: dict[str, str]) -> None:
    merged = shadow.merge(json.loads(block["reported"]), json.loads(block["patch"]))
    assert shadow.same(merged, json.loads(block["merged"]))


@pytest.mark.parametrize("block", named("states.txt", having="delta"))
def test_delta(block: dict[str, str]) -> None:
    delta = shadow.delta(json.loads(block["desired"]), json.loads(block["reported"]))
    assert shadow.same(delta, json.loads(block["delta"]))


@pytest.mark.parametrize("block", named("topics.txt"))
def test_topic(block: dict[str, str]) -> None:
    subject = block["topic"].replace("/", ".")
    if "refused" in block:
        with pytest.raises(shadow.ShadowError):
            shadow.read_topic(block["topic"])
        with pytest.raises(shadow.ShadowError):
            shadow.read_subject(subject)
        return
    topic = shadow.read_topic(block["topic"])
    says = [topic.tenant, topic.device, topic.facet, topic.verb, *([topic.answer] if topic.answer else [])]
    assert " ".join(says) == block["says"]
    assert topic.mqtt == block["topic"]
    assert topic.subject == subject
    assert shadow.read_subject(subject) == topic
    assert shadow.read_path(topic.tenant, topic.device, topic.path) == topic
