"""A server on paper: answers by method and path, and remembers what it was asked."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import typer.testing
from typer.testing import CliRunner

from fairlead_cli.main import build
from fairlead_cli.shell import Surroundings

Answer = Any  # a body; (status, body); or a function of the request that gives either
TOKEN = "flt_secret-of-nobody"
# A tenth of a second for every command that is run, were it put together anew each time.
typer.testing._get_command = cache(typer.testing._get_command)


@dataclass
class Server:
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)

    def on(self, request: str, answer: Answer) -> "Server":
        self.answers[request] = answer
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        key = f"{request.method} {request.url.path}"
        if key not in self.answers:
            return httpx.Response(404, json={"type": "/problems/unknown", "title": f"No {key}", "status": 404})
        answer = self.answers[key]
        if callable(answer):
            answer = answer(request)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        return httpx.Response(status) if body is None else httpx.Response(status, json=body)

    def sent(self, number: int = -1) -> Any:
        return json.loads(self.asked[number].content)


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(server: Callable[[httpx.Request], httpx.Response], home: Path, *words: str, given: str = "", **env: str) -> Ran:
    around = Surroundings(
        transport=httpx.MockTransport(server),
        env={"HOME": str(home), "FAIRLEAD_URL": "http://server.test", "FAIRLEAD_TOKEN": TOKEN, **env},
        sleep=lambda _: None,
    )
    result = CliRunner().invoke(build(), list(words), obj=around, input=given, env={"COLUMNS": "100", "NO_COLOR": "1"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(code=result.exit_code, out=result.stdout, err=result.stderr)


def problem(status: int, kind: str, title: str, **more: Any) -> tuple[int, dict[str, Any]]:
    return status, {"type": f"/problems/{kind}", "title": title, "status": status, **more}


SUMMARY = {
    "devices": 13, "movable": 12,
    "blocked": [{"devices": 1, "code": "no_profile", "why": "the device has no profile of sabia", "country": "BR"}],
    "resources": [{"kind": "Policy", "name": "brazil-local", "number": 1, "verb": "create", "removed": False},
                  {"kind": "Grant", "name": "deny-all", "number": 1, "verb": "create", "removed": False}],
    "unchanged": ["Policy/old"], "no_driver_yet": ["Grant/deny-all"], "observe_only": [],
    "situations": [
        {"no": n, "country": country, "carrier": "meridian", "target": "sabia", "devices": devices,
         "facets": ["network", "config"],
         "recipe": {"blocked": None, "block_code": None, "notes": ["the old SIM stays active and billed"],
                    "steps": [
                        {"driver": "carrier", "verb": "activate", "on": "target", "facets": ["subscription"],
                         "proof": "read-back", "deadline_s": 900, "undo": "exact", "undo_verb": "suspend"},
                        {"driver": "shadow", "verb": "write", "on": "device", "facets": ["network", "config"],
                         "proof": "session-and-reported", "deadline_s": 21600, "undo": "exact", "undo_verb": "write"}]}}
        for n, (country, devices) in enumerate((("BR", 8), ("TR", 4)))
    ],
    "countries": {"BR": 9, "TR": 4}, "groups": {"reefers": 13}, "carriers": {"meridian": 13}, "stances": {"prohibited": 9},
    "law": {"breaches_avoided": [{"country": "BR", "breached": 8, "within_30_days": 1, "later": 0}],
            "note": "not legal advice"},
    "conflicts": [{"change": "chg_other", "devices": 2}],
    "cost": {"devices": 13, "priced_devices": 8, "coverage_percent": 61, "one_off": {"EUR": "8.80"},
             "monthly_delta": {"EUR": "-9.20"}, "unpriced": "unknown"},
    "hidden": {"brazil-local": 3},
    "possible_collisions": [{"policies": ["brazil-local", "old"], "facet": "config", "path": "/dns"}],
}  # fmt: skip
PLAN = {
    "id": "plan_1", "created_at": "2026-03-02T08:00:00Z", "expires_at": "2026-03-09T08:00:00Z", "author": "usr_1",
    "resources": SUMMARY["resources"], "summary": SUMMARY, "tolerance": 0.0, "applied": None,
}  # fmt: skip
NOTHING = PLAN | {
    "id": "plan_2", "resources": [],
    "summary": {"devices": 0, "movable": 0, "blocked": [], "resources": [], "unchanged": ["Policy/brazil-local"],
                "no_driver_yet": [], "observe_only": [], "situations": [], "countries": {}, "groups": {}, "carriers": {},
                "stances": {}, "law": {}, "conflicts": [], "cost": {"devices": 0, "priced_devices": 0}, "hidden": {},
                "possible_collisions": []},
}  # fmt: skip


def change(state: str, **moves: int) -> dict[str, Any]:
    batch = {"wave": 0, "country": "BR", "carrier": "meridian", "percent": 50, "opened_at": "2026-03-02T08:00:00Z",
             "decided_at": None, "decision": None}  # fmt: skip
    return {
        "id": "chg_1", "title": "create brazil-local", "state": state, "reason": "ticket 812", "author": "usr_1",
        "plan": "plan_1", "rollout": {"stages": [50, 100], "gate": {"max_failed": 0.1}, "on_failure": "rollback"},
        "approvals_needed": 0, "emergency": False, "created_at": "2026-03-02T08:00:00Z", "started_at": None,
        "settled_at": None, "waves": 0, "approvals": [],
        "story": {"batches": [batch | {"stage": 0, "state": "passed", "admitted": 4},
                              batch | {"stage": 1, "percent": 100, "state": "open", "admitted": 4},
                              batch | {"country": "TR", "stage": 0, "state": "rolled-back", "admitted": 3,
                                       "decision": {"failed": 3}}],
                  "strata": [{"country": "BR", "carrier": "meridian", "moves": moves}],
                  "moves": moves, "operations": {"verified": 4}, "barred": 3, "held_out": 0, "waiting": 0},
        "questions": {"delivered": {"yes": 8, "of": 9}, "acknowledged": {"yes": 7, "of": 9},
                      "confirmed": {"yes": 6, "of": 9}, "can_be_rolled_back": {"moves": 5, "by": ["stage", "country"]}},
    }  # fmt: skip
