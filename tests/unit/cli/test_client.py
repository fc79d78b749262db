"""What every command shares: exit codes, problems, pages, settings, forms of output."""

import json
from pathlib import Path

import httpx
import pytest

from fairlead_cli import settings
from fairlead_cli.client import Client, Exit, Trouble

from .fake import TOKEN, Server, problem, run

PAGE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
CODES = {401: 6, 403: 6, 404: 3, 409: 4, 412: 4, 422: 1, 429: 1, 500: 1, 503: 5}


@pytest.mark.parametrize(("status", "code"), CODES.items())
def test_each_status_has_its_exit_code(tmp_path: Path, status: int, code: int) -> None:
    server = Server().on("GET /v1/counts", problem(status, "it", "It is so"))
    assert run(server, tmp_path, "get", "counts").code == code


def test_a_server_that_is_away_is_5_and_says_what_to_do(tmp_path: Path) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    ran = run(away, tmp_path, "get", "counts")
    assert ran.code == 5
    assert "http://server.test" in ran.err
    assert "fairlead up" in ran.err


def test_usage_is_2_without_asking_anybody(tmp_path: Path) -> None:
    server = Server()
    assert run(server, tmp_path, "get", "nonsense").code == 2
    assert run(server, tmp_path, "plan").code == 2
    assert run(server, tmp_path, "get", "devices", "-o", "yaml").code == 2
    assert server.asked == []


def test_a_problem_for_people_names_place_value_and_expectation(tmp_path: Path) -> None:
    errors = [{"pointer": "/rollout/stages", "value": [5, 4], "expected": "ascending percentages"}]
    server = Server().on("GET /v1/counts", problem(422, "invalid", "Not valid", detail="see below", errors=errors))
    ran = run(server, tmp_path, "get", "counts")
    assert all(word in ran.err for word in ("Not valid", "see below", "/rollout/stages", "5, 4", "ascending"))
    assert ran.out == ""


def test_a_problem_for_programs_is_one_document_on_standard_error(tmp_path: Path) -> None:
    server = Server().on(
        "GET /v1/counts", problem(409, "change-drifted", "Moved", code="drifted", differences={"gone": 2})
    )
    ran = run(server, tmp_path, "get", "counts", "--json")
    assert ran.out == ""
    assert json.loads(ran.err) == {
        "type": "/problems/change-drifted", "title": "Moved", "status": 409, "code": "drifted",
        "differences": {"gone": 2}, "exit": 4,
    }  # fmt: skip


def test_an_answer_that_is_no_problem_document_is_told_plainly(tmp_path: Path) -> None:
    ran = run(lambda _: httpx.Response(502, text="<html>bad gateway"), tmp_path, "get", "counts")
    assert ran.code == 5
    assert "502" in ran.err
    assert "<html>" not in ran.err


def pages(request: httpx.Request) -> dict[str, object]:
    limit = int(request.url.params["limit"])
    start = int(request.url.params.get("cursor", "0"))
    end = min(start + limit, 2_500)
    items = [{"id": f"job_{n}", "kind": "import", "state": "done", "done": n, "total": n} for n in range(start, end)]
    return {"items": items, "next": str(end) if end < 2_500 else None, "complete": True}


def test_lists_follow_cursors_up_to_the_limit(tmp_path: Path) -> None:
    server = Server().on("GET /v1/jobs", pages)
    found = run(server, tmp_path, "get", "jobs", "--limit", "1200", "--json").json
    assert [len(found["items"]), found["next"]] == [1_200, "1200"]
    assert [r.url.params["limit"] for r in server.asked] == ["1000", "200"]


def test_all_follows_to_the_end_and_jsonl_is_a_line_an_item(tmp_path: Path) -> None:
    server = Server().on("GET /v1/jobs", pages)
    lines = run(server, tmp_path, "get", "jobs", "--all", "--jsonl").out.splitlines()
    assert len(lines) == 2_500
    assert json.loads(lines[-1])["id"] == "job_2499"
    assert len(server.asked) == 3


def test_a_table_says_that_there_is_more_and_stays_within_100_columns(tmp_path: Path) -> None:
    ran = run(Server().on("GET /v1/jobs", pages), tmp_path, "get", "jobs", "--limit", "3")
    assert "--all" in ran.err
    assert len(ran.out.splitlines()) == 4
    assert max(len(line) for line in ran.out.splitlines()) <= 100


def test_absent_filters_are_not_sent(tmp_path: Path) -> None:
    server = Server().on("GET /v1/devices", {"items": [], "next": None})
    ran = run(server, tmp_path, "get", "devices", "--country", "br", "--at-home")
    assert dict(server.asked[0].url.params) == {"country": "BR", "roaming": "false", "limit": "50"}
    assert "No devices" in ran.out


def test_reads_are_sent_again_when_the_connection_broke_and_bare_writes_are_not() -> None:
    asked: list[str] = []

    def breaks_once(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        if len(asked) == 1:
            raise httpx.RemoteProtocolError("closed", request=request)
        return httpx.Response(200, json={})

    client = Client("http://server.test", None, transport=httpx.MockTransport(breaks_once))
    assert client.get("/v1/clock") == {}
    asked.clear()
    with pytest.raises(Trouble) as found:
        client.post("/v1/devices/x/credential")
    assert (found.value.code, asked) == (Exit.UNREACHABLE, ["POST"])
    asked.clear()
    assert client.post("/v1/plans", {}, once=True) == {}
    assert asked == ["POST", "POST"]


def test_a_repeatable_write_repeats_under_one_key() -> None:
    keys: list[str] = []

    def breaks_once(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx.ReadError("cut", request=request)
        return httpx.Response(200, json={})

    Client("http://server.test", None, transport=httpx.MockTransport(breaks_once)).post("/v1/plans", {}, once=True)
    assert len(set(keys)) == 1


def test_flags_come_before_the_environment_before_the_file(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    settings.keep(home, "https://file.test/", "flt_file")
    assert settings.resolve(url=None, token=None, env=home).url == "https://file.test"
    assert settings.resolve(url=None, token=None, env=home).token == "flt_file"
    env = home | {"FAIRLEAD_URL": "https://env.test", "FAIRLEAD_TOKEN": "flt_env"}
    found = settings.resolve(url=None, token=None, env=env)
    assert (found.url, found.token, found.token_from) == ("https://env.test", "flt_env", "environment")
    found = settings.resolve(url="https://flag.test", token="flt_flag", env=env)
    assert (found.url, found.url_from, found.token) == ("https://flag.test", "flag", "flt_flag")


def test_a_kept_token_goes_to_its_own_server_only(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    settings.keep(home, "https://one.test", "flt_one")
    settings.keep(home, "https://two.test", "flt_two")
    assert settings.resolve(url="https://one.test", token=None, env=home).token == "flt_one"
    assert settings.resolve(url="https://three.test", token=None, env=home).token is None
    assert settings.file_of(home).stat().st_mode & 0o777 == 0o600


def test_a_broken_client_file_is_a_usage_error(tmp_path: Path) -> None:
    path = settings.file_of({"HOME": str(tmp_path)})
    path.parent.mkdir(parents=True)
    path.write_text("server = [")
    assert run(Server(), tmp_path, "config", "show").code == 2


def test_the_token_is_sent_and_never_shown(tmp_path: Path) -> None:
    server = Server().on("GET /v1/session", {"name": "Ada", "roles": ["owner"], "departments": [], "permissions": []})
    ran = run(server, tmp_path, "config", "show", "--who")
    assert server.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in ran.out + ran.err
    assert "Ada" in ran.out


def test_every_command_has_help_with_an_example(tmp_path: Path) -> None:
    import typer

    def walk(command: object, words: list[str]) -> list[list[str]]:
        inner = getattr(command, "commands", None)
        return [words] if inner is None else [w for name, sub in inner.items() for w in walk(sub, [*words, name])]

    from fairlead_cli.main import build

    found = walk(typer.main.get_command(build()), [])
    assert len(found) > 50
    for words in found:
        text = run(Server(), tmp_path, *words, "--help").out
        assert f"fairlead {words[0]}" in text, words
        assert "--json" in text, words
        assert words[-1] in PAGE, f"docs/cli.md does not name `fairlead {' '.join(words)}`"
