"""The house the console's tests look into, as a process of its own: `python -m tests.console.house <directory>`.

Northwind's story is told by the demonstration's own acts, on a small fleet, far enough that every
screen has something true to show. Beside it lives `rival`, a tenant whose every free text is hostile:
its ids serve the tests of the wall, its strings those of the screens. When all is there, one JSON line
says where and who; then devices and carriers go on living until the process is told to end.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import urllib.parse
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import httpx
from tests.console.hostile import bait

from fairlead_sim.demo import company
from fairlead_sim.demo.company import LAB_PASSWORD, OWNER, OWNER_EMAIL, TENANT, Shape
from fairlead_sim.demo.scene import Scene, scene
from fairlead_sim.demo.screen import Screen
from fairlead_sim.demo.story import Story
from fairlead_sim.world.faults import Fault
from fairlead_sim.world.numbers import make_iccid, make_imei

SMALL = Shape(devices=120, countries=("TR", "DE", "BR", "SA", "GB"), watched=3, travellers=4, fresh=6, days_ahead=6)
LARGE = Shape(devices=400)
PASSWORD = LAB_PASSWORD
RIVAL = "rival"
_MONTH_S = 30 * 86_400


async def main(directory: Path, *, large: bool, beside: str | None) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        async with scene(LARGE if large else SMALL, directory, ports=(0, 0)) as stage:
            story = Story(stage, Screen(_quiet()))
            for act in (story.declare, story.connect, story.foresee, story.days_pass, story.plan):
                await act()
            meanwhile = asyncio.gather(
                _people(stage), _rival(stage)
            )  # now that days, and sessions with them, no longer fly
            for act in (story.apply, story.cross, story._lives.arrive, *([story._lives.leave] if large else [])):
                await act()
            people, rival = await meanwhile
            acme = {"people": people, **await _northwind(stage, story)}
            print(json.dumps({"url": stage.server.api, "acme": acme, "rival": rival}), flush=True)
            while beside is None or Path(f"/proc/{beside}").exists():  # noqa: ASYNC110, ASYNC240 - a process is asked
                await asyncio.sleep(2)


def _quiet() -> Any:
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False)


# --- Northwind: what the story leaves open ---------------------------------------------------------


async def _people(stage: Scene) -> dict[str, dict[str, str]]:
    """The owner's colleagues, invited and come."""
    found = {"owner": {"tenant": TENANT, "email": OWNER_EMAIL, "name": OWNER}}
    async with _Person(stage.server.api) as owner:
        await owner.sign_in(TENANT, OWNER_EMAIL)
        for role, name in (("approver", "Ada Approve"), ("auditor", "Otto Audit"), ("operator", "Olga Operate")):
            email = f"{role}@northwind.example"
            await (await owner.invite(name, email, [role])).close()
            found[role] = {"tenant": TENANT, "email": email, "name": name}
    return found


async def _northwind(stage: Scene, story: Story) -> dict[str, Any]:
    """What is kept in views and jobs, a plan nobody applied, a Change that waits for its second person."""
    async with _Person(stage.server.api) as owner:
        await owner.sign_in(TENANT, OWNER_EMAIL)
        await owner.put("/v1/views/fleet/Turkey at risk", {"search": "country=TR&within_days=30", "shared": True})
        token = await owner.post("/v1/tokens", {"name": "nightly export", "roles": ["auditor"]})
        parked = [unit.name for unit in stage.company.of(group="parked", country="TR")]
        free = [unit.name for unit in stage.company.of(group="meters", country="GB")]
        returned = {
            "verb": "suspend",
            "lasts_s": _MONTH_S,
            "devices": free[:3],
            "reason": "Meters that a customer returned",
        }
        held = await owner.apply(
            await owner.plan({"action": returned}), title="Returned meters are set aside",
            reason="A customer sent them back", approvals=1,
        )  # fmt: skip
        parked_policies = [
            _PARKED.format(low=code.lower(), code=code)
            for code in ("SA", "QA")
            if code in stage.company.shape.countries
        ]
        open_plan = await owner.plan({"files": [{"name": "parked.yaml", "text": "---\n".join(parked_policies)}]})
        job = await owner.post_file(company.prices_csv(stage.company), "prices", "northwind-prices.csv")
        moved = await owner.get(f"/v1/changes/{story._change}/moves?limit=200")
        device = next(one["name"] for one in moved["items"] if one["country"] == "BR" and one["state"] == "verified")
        sims = await owner.get("/v1/subscriptions?limit=1&account=local-tr")
        people = await owner.get("/v1/principals")
        bulk, asked = await _bulk(stage, owner)
        await owner.strategy("tiered")
        await owner.put(
            "/v1/imports/mappings/depot-files", {"text": _MAPPING.format(source="depot-files", column="SIM")}
        )
        finding = await _finding(owner, "spare-1", "spare", "two depots, two ways")
        return {
            "at_risk": parked[0], "parked": parked, "change": story._change, "waiting": held["id"], "plan": open_plan["id"],
            "subscription": sims["items"][0]["iccid"], "job": job["id"], "device": device, "carrier": "local-tr",
            "bulk": bulk, "bulk_waiting": asked, "mapping": "depot-files", "finding": finding,
            "policy": "turkey-local", "strategy": "tiered", "country": "TR", "principal": people["items"][0]["id"], "api_token": token["id"],
        }  # fmt: skip


async def _finding(owner: "_Person", device: str, group: str, reason: str) -> str:
    """Policies that nobody's device ran into when they were applied, and a device that comes later and does."""
    files = [
        {
            "name": f"{fact}.yaml",
            "text": _CONTRADICTION.format(fact=fact, value=json.dumps(group), reason=json.dumps(reason)),
        }
        for fact in ("group", "batch")
    ]
    for file in files:
        await owner.apply(await owner.plan({"files": [file]}), title=file["name"], reason=reason, approvals=0)
    row = f"{device},{_cell(group)},{_cell(group)},active"
    await owner.upload("devices", f"name,group,batch,state\n{row}\n", "spare.csv")
    async with asyncio.timeout(60):
        while not (found := (await owner.get("/v1/findings?kind=policy-collision"))["items"]):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.3)
    return str(found[0]["id"])


async def _bulk(stage: Scene, owner: "_Person") -> tuple[str, str]:
    """A bulk action over two carriers that has ended, one line refused by its carrier; and one that nothing takes back."""
    spare = [
        sim["iccid"]
        for account, count in (("local-de", 5), ("local-gb", 3))
        for sim in (await owner.get(f"/v1/subscriptions?carrier={account}&state=standby&limit={count}"))["items"]
    ]
    refusal = stage.world.faults.inject(
        Fault(
            kind="refuse", carrier="local-de", verb="deactivate", at_most=1, status=400, code="SEM0151",
            message="This SIM is in a contract that does not end before the season does.",
        )
    )  # fmt: skip
    ended = await owner.post(
        "/v1/bulk", {"verb": "deactivate", "lines": {"iccids": spare}, "reason": "Spare SIMs of a depot that closed"}
    )
    async with asyncio.timeout(60):
        while (await owner.get(f"/v1/bulk/{ended['id']}"))["state"] != "done":  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.3)
    stage.world.faults.clear(refusal)
    meters = {"carrier": company.GLOBAL, "country": "GB"}
    waiting = await owner.post(
        "/v1/bulk",
        {
            "verb": "send_sms",
            "arguments": {"text": "report now"},
            "lines": meters,
            "reason": "Meters gone silent in May",
        },
    )
    return ended["id"], waiting["id"]


_CONTRADICTION = """\
apiVersion: fairlead/v1
kind: Policy
metadata: {{name: word-by-{fact}}}
spec:
  priority: 400
  match: {fact} == {value}
  admit: auto
  set:
    flags: {{merge: {{word: {fact}}}}}
  reason: {reason}
"""

_MAPPING = "source: {source}\nfiles:\n  sims:\n    columns: {{iccid: {column}}}\n"

_PARKED = """\
apiVersion: fairlead/v1
kind: Policy
metadata: {{name: parked-{low}}}
spec:
  priority: 210
  match: country == "{code}" && group == "parked"
  until: country != "{code}"
  admit: auto
  set:
    network: {{carrier: local-{low}, method: local-profile, apn: iot.local-{low}.example, lease: 15m}}
  reason: Parked trackers have stayed past the limit
"""


# --- the rival: every free text is hostile ------------------------------------------------------------


async def _rival(stage: Scene) -> dict[str, Any]:
    code = await _tenant(stage, RIVAL)
    async with _Person(stage.server.api) as owner:
        await owner.enter(code, bait("owner-name"), "vic@rival.example")
        second = await owner.invite(bait("second-name"), "second@rival.example", ["approver"])
        await owner.post("/v1/carriers", {"name": "rival-net", "carrier": bait("carrier"), "iccid_digits": 19})
        await owner.upload("devices", _rival_devices(), bait("import-name"))
        await owner.upload("sims", _rival_sims(), "sims.csv")
        await owner.upload(
            "presence", _rival_presence(stage.clock() - timedelta(days=40), stage.clock()), "presence.csv"
        )
        job = await owner.post_file(_rival_devices(), "devices", bait("import-name"))
        token = await owner.post("/v1/tokens", {"name": bait("token-name"), "roles": ["auditor"]})
        await owner.put(f"/v1/views/fleet/{_quoted(bait('view-name'))}", {"search": "country=GB", "shared": True})
        policy = _RIVAL_POLICY % tuple(json.dumps(bait(f"policy-{name}")) for name in ("label", "value", "reason"))
        plan = await owner.plan({"files": [{"name": "rival.yaml", "text": policy}]})
        change = await owner.apply(plan, title=bait("change-title"), reason=bait("change-reason"), approvals=1)
        await second.post(f"/v1/changes/{change['id']}/approve", {"verdict": "approve", "note": bait("approval-note")})
        await owner.strategy("rival-tiers")
        mapping = {"text": _MAPPING.format(source="rival-files", column=bait("mapping-column"))}
        await owner.put("/v1/imports/mappings/rival-files", mapping)
        finding = await _finding(owner, "rival-spare", bait("finding-group"), bait("finding-reason"))
        acted = await owner.plan(
            {
                "action": {
                    "verb": "suspend",
                    "lasts_s": _MONTH_S,
                    "devices": ["rival-1"],
                    "reason": bait("action-reason"),
                }
            }
        )
        await owner.apply(acted, title="an action", reason="of one device", approvals=0)
        told = {"verb": "send_sms", "arguments": {"text": bait("bulk-text")}, "lines": {"carrier": "rival-net"}}
        bulk = await owner.post("/v1/bulk", told | {"reason": bait("bulk-reason")})
        device = await owner.get("/v1/devices/rival-0")
        sims = await owner.get("/v1/subscriptions?limit=1")
        everybody = await owner.get("/v1/principals")
        people = {"owner": {"tenant": RIVAL, "email": "vic@rival.example", "name": bait("owner-name")}}
        await second.close()
        return {
            "people": people, "waiting": change["id"], "device": "rival-0", "device_id": device["id"], "change": change["id"], "plan": plan["id"],
            "action_plan": acted["id"], "action_policy": acted["resources"][0]["name"], "job": job["id"], "subscription": sims["items"][0]["iccid"],
            "subscription_id": sims["items"][0]["id"], "carrier": "rival-net", "country": "GB", "policy": "rival-local",
            "bulk": bulk["id"], "bulk_waiting": bulk["id"], "mapping": "rival-files", "finding": finding,
            "strategy": "rival-tiers", "principal": everybody["items"][0]["id"], "api_token": token["id"],
        }  # fmt: skip


_RIVAL_POLICY = """\
apiVersion: fairlead/v1
kind: Policy
metadata: {name: rival-local, labels: {owner: %s}}
spec:
  priority: 100
  match: country == "GB"
  set:
    config: {merge: {motd: %s}}
  reason: %s
"""

_STRATEGY = """\
apiVersion: fairlead/v1
kind: Strategy
metadata: {name: %s}
spec:
  regions: {europe: [DE, GB, FR, ES, NL, PL], mea: [TR, SA, QA]}
  tiers:
    - {when: "law.stance in ['prohibited', 'restricted']", use: local-profile}
    - {regions: [mea], use: local-profile}
    - {regions: [europe], when: devices_in_country >= 10, use: multi-imsi}
    - {use: roaming}
"""


def _rival_devices() -> str:
    cells = ",".join(_cell(bait(one)) for one in ("sku", "region", "group", "batch"))
    serial = bait("serial")
    rows = [f"rival-{n},{_cell(f'{n}{serial}'[:64])},{make_imei('35209911', n + 1)},{cells}" for n in range(4)]
    return "name,serial,imei,sku,region,group,batch\n" + "\n".join(rows) + "\n"


def _rival_sims() -> str:
    plan, apn = _cell(bait("plan")), _cell(bait("apn"))
    rows = [
        f"{make_iccid('894499', n + 1)},{f'23499{n:010d}'},rival-{n},rival-net,{plan},active,{apn}" for n in range(4)
    ]
    return "iccid,imsi,device,account,plan,state,apn\n" + "\n".join(rows) + "\n"


def _rival_presence(first: Any, last: Any) -> str:
    rows = [f"rival-{n},{make_iccid('894499', n + 1)},GB,{first.isoformat()},{last.isoformat()}" for n in range(4)]
    return "device,iccid,country,first,last\n" + "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


async def _tenant(stage: Scene, name: str) -> str:
    """A second tenant, made as an operator makes one: beside the running server. Its first owner's code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fairlead_cli.main", "tenant", "create", name, "--data", str(stage.directory), "--json",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    return str(json.loads(said)["setup_code"])


# --- somebody with a browser's session -------------------------------------------------------------------


class _Person:
    """The API as one person has it."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=60)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def sign_in(self, tenant: str, email: str) -> None:
        await self._became("/v1/session", {"tenant": tenant, "email": email, "password": PASSWORD})

    async def enter(self, code: str, name: str | None, email: str | None) -> None:
        await self._became("/v1/setup", {"code": code, "name": name, "email": email, "password": PASSWORD})

    async def invite(self, name: str, email: str, roles: list[str]) -> "_Person":
        """Invite somebody, who comes at once."""
        made = await self.post("/v1/principals", {"name": name, "email": email, "roles": roles})
        code = (await self.post(f"/v1/principals/{made['id']}/invitation"))["code"]
        other = _Person(str(self._http.base_url))
        await other.enter(code, None, None)
        return other

    async def plan(self, body: dict[str, Any]) -> Any:
        return await self.post("/v1/plans", body)

    async def apply(self, plan: dict[str, Any], *, title: str, reason: str, approvals: int) -> Any:
        rollout = {"stages": [50, 100], "approvals": approvals}
        return await self.post(f"/v1/plans/{plan['id']}/apply", {"rollout": rollout, "title": title, "reason": reason})

    async def strategy(self, name: str) -> None:
        """A strategy, kept: it moves nothing by itself."""
        plan = await self.plan({"files": [{"name": f"{name}.yaml", "text": _STRATEGY % name}]})
        await self.apply(plan, title="A way in for each country", reason="as agreed with purchasing", approvals=0)

    async def get(self, path: str) -> Any:
        return _answer(await self._http.get(path))

    async def post(self, path: str, body: Any = None) -> Any:
        return _answer(await self._http.post(path, json=body or {}))

    async def put(self, path: str, body: Any) -> Any:
        return _answer(await self._http.put(path, json=body, headers={"If-None-Match": "*"}))

    async def upload(self, kind: str, text: str, name: str) -> Any:
        return _answer(await self._sent(kind, text, name, {}))

    async def post_file(self, text: str, kind: str, name: str) -> Any:
        """An import that becomes a job."""
        return _answer(await self._sent(kind, text, name, {"prefer": "respond-async"}))

    async def _sent(self, kind: str, text: str, name: str, headers: dict[str, str]) -> httpx.Response:
        params = {"kind": kind, "name": name}
        return await self._http.post(
            "/v1/imports", params=params, content=text.encode(), headers={"content-type": "text/csv", **headers}
        )

    async def _became(self, path: str, body: dict[str, Any]) -> None:
        session = _answer(await self._http.post(path, json=body))
        self._http.headers["X-CSRF-Token"] = str(session["csrf"])


def _answer(response: httpx.Response) -> Any:
    if response.is_error:
        raise AssertionError(
            f"{response.request.method} {response.request.url}: {response.status_code} {response.text[:800]}"
        )
    return response.json() if response.content else {}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--large", action="store_true", help="for the pictures of the docs")
    parser.add_argument("--beside", help="end when this process is gone")
    options = parser.parse_args()
    asyncio.run(main(options.directory.absolute(), large=options.large, beside=options.beside))
