import msgspec
from tests.contract.bench import MANY, Bench, Clock, Maker, Stage, new_world

from fairlead.connectors.thingspace.factory import FACTORY
from fairlead.engine.ports.carrier import ProviderId
from fairlead_sim.carriers.thingspace import ThingSpaceFake

ACCOUNT_NAME = "0000123456-00001"
VERBS = {
    "activate": "restore",  # the suite activates what is suspended
    "suspend": "suspend",
    "deactivate": "deactivate",
    "set_plan": "set_plan",
    "send_sms": "send_sms",
    "read_sim": "get",
    "list_sims": "list",
}


class ThingSpaceBench(Bench):
    def callback(self, line: ProviderId, state: str) -> tuple[dict[str, str], bytes]:
        answer = "suspendResponse" if state == "suspended" else "restoreResponse"
        message = {
            "username": self.optional_secrets["callback_username"],
            "password": self.optional_secrets["callback_password"],
            "requestId": "595f5c44-c31c-4552-8670-020a1545a84d",
            "deviceIds": [{"id": line, "kind": "Iccid"}],
            "deviceResponse": {answer: {"accountName": ACCOUNT_NAME}},
            "status": "Success",
            "callbackCount": 1,
            "maxCallbackThreshold": 4,
        }
        return {"content-type": "application/json"}, msgspec.json.encode(message)

    def forged(self, headers: dict[str, str], body: bytes) -> list[tuple[dict[str, str], bytes]]:
        message = msgspec.json.decode(body)
        spoilt = [{**message, name: value} for name in ("username", "password") for value in ("", None, "guess", 7)]
        gone = [{key: value for key, value in message.items() if key != name} for name in ("username", "password")]
        return [(headers, msgspec.json.encode(one)) for one in (*spoilt, *gone)]


def bench(clock: Clock, stage: Stage) -> Bench:
    secrets = {
        "app_key": "f00dfeedbeef0123", "app_secret": "0123456789abcdef-app",
        "username": "northwind-api", "password": "correct-horse-battery",
    }  # fmt: skip
    callback = {"callback_username": "fairlead-hook", "callback_password": "hook-0123456789abcdef"}
    fake = ThingSpaceFake(
        new_world(clock), "tr", **secrets, account=ACCOUNT_NAME,
        callback=(callback["callback_username"], callback["callback_password"]),
        per_second=MANY, burst=MANY, monotonic=clock.monotonic,
    )  # fmt: skip
    return ThingSpaceBench(
        factory=FACTORY,
        fake=fake,
        secrets=secrets,
        optional_secrets=callback,
        settings={"account_name": ACCOUNT_NAME, "service_plan": "87641", "mdn_zip_code": "98801"},
        clock=clock,
        stage=stage,
        verbs=VERBS,
        words={"suspended": "suspend", "deactivated": "deactive"},
        session_fields=frozenset({"ip", "imei", "imsi"}),
        plan="87641",
    )


THINGSPACE = Maker(factory=FACTORY, make=bench)
