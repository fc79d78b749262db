"""agreement: the rule shown, and changed from the version that was read."""

from pathlib import Path

from .fake import Server, run

RULE = {"charges": True, "changed_at": None, "changed_by": "", "version": 0}


def test_the_rule_is_said_in_words(tmp_path: Path) -> None:
    said = run(Server().on("GET /v1/agreement", RULE), tmp_path, "agreement", "show").out
    assert "another person must agree" in said
    alone = RULE | {"charges": False, "changed_at": "2026-03-02T08:00:00Z", "version": 1}
    said = run(Server().on("GET /v1/agreement", alone), tmp_path, "agreement", "show").out
    assert "nobody else need agree, since 2026-03-02 08:00Z" in said


def test_it_is_changed_from_the_version_that_was_read_and_wants_a_reason(tmp_path: Path) -> None:
    server = Server().on("GET /v1/agreement", RULE | {"version": 3}).on("PUT /v1/agreement", RULE | {"charges": False})
    ran = run(server, tmp_path, "agreement", "set", "--charges", "alone", "--reason", "one person")
    assert ran.code == 0, ran.err
    assert server.sent() == {"charges": False, "reason": "one person"}
    assert server.asked[-1].headers["if-match"] == '"3"'
    assert run(Server(), tmp_path, "agreement", "set", "--charges", "alone").code == 2
    assert run(Server(), tmp_path, "agreement", "set", "--charges", "maybe", "--reason", "x").code == 2
