"""The repair of contracts, without any contract: pointers, copies, and patches that are not needed any more."""

import json
from pathlib import Path

import pytest
from tests.system import prism
from tests.system.prism import ABSENT, Contract, Patch, found, judged_by, patched, still_needed

DOCUMENT = {"paths": {"/sim/{id}": {"patch": {"required": ["a", "b"], "yes": "on"}}}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAIRLEAD_CARRIER_SPECS", str(tmp_path))
    monkeypatch.setattr(prism, "CACHE", tmp_path / "cache")
    (tmp_path / "a.yaml").write_text(
        "paths:\n  /sim/{id}:\n    patch: {required: [a, b], on: off, since: 2020-01-01, id: '0123', n: 0819, five: 5}\n"
    )
    return tmp_path


def test_a_pointer_finds_and_mends() -> None:
    document = json.loads(json.dumps(DOCUMENT))
    pointer = "/paths/~1sim~1{id}/patch/required"
    assert found(document, pointer) == ["a", "b"]
    assert found(document, pointer + "/7") is ABSENT
    patched(document, Patch(pointer, was=["a", "b"], now=ABSENT, reason="x"))
    assert found(document, pointer) is ABSENT
    patched(document, Patch(pointer, was=ABSENT, now=[], reason="x"))
    assert found(document, pointer) == []


def test_a_mended_copy_reads_the_contract_as_prism_would(folder: Path) -> None:
    patch = Patch("/paths/~1sim~1{id}/patch/required/0", was="a", now="z", reason="x")
    document = json.loads(judged_by(Contract("a.yaml", (patch,))).read_text())
    read = document["paths"]["/sim/{id}"]["patch"]
    assert read == {"required": ["z", "b"], "on": "off", "since": "2020-01-01", "id": "0123", "n": 819, "five": 5}


def test_a_patch_that_the_vendor_made_unnecessary_is_found(folder: Path) -> None:
    pointer = "/paths/~1sim~1{id}/patch/required"
    still_needed(Contract("a.yaml", (Patch(pointer, was=["a", "b"], now=ABSENT, reason="x"),)))
    for was, now in ((["a"], ABSENT), (ABSENT, ["a"]), (["a", "b"], ["a", "b"])):
        with pytest.raises(AssertionError):
            still_needed(Contract("a.yaml", (Patch(pointer, was=was, now=now, reason="x"),)))
