"""`fairlead carrier`, `fairlead device`, `fairlead clock`: accounts, secrets of devices, the lab's clock."""

import json
import sys
from collections.abc import Mapping, Sequence
from getpass import getpass
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer
from rich.markup import escape
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from fairlead_cli import durations, nouns, words
from fairlead_cli.client import Body, Exit, Listing, trouble
from fairlead_cli.shell import Shell, command, group

app: Final = group("carrier", "Carrier accounts: which connector, which account, which credential.")
devices: Final = group("device", "What belongs to one device.")
clock: Final = group("clock", "What time it is in this house.")

Name = Annotated[str, typer.Argument(help="The account's name.")]
_LOOK_EVERY_S: Final = 1.0


def add(
    shell: Shell, name: Name, *,
    carrier: Annotated[str, typer.Option(help="Whose account it is, for people.")],
    connector: Annotated[str, typer.Option(help="soracom; file: by exports and tickets; none: by hand.")] = "none",
    home_country: Annotated[str | None, typer.Option(metavar="CC", help="Of its SIMs, where they share one.")] = None,
    config: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="The connector's own settings, such as base_url=….")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config-file", metavar="FILE", help="The same as YAML; --config goes over it.")
    ] = None,
    credential: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=@FILE|=env:VAR]", help="A field of the credential: asked for, or from there."),
    ] = None,
    iccid_digits: Annotated[int | None, typer.Option(min=19, max=20, help="How long its ICCIDs are.")] = None,
    staleness: Annotated[int | None, typer.Option(min=0, help="Seconds its own view may lag.")] = None,
) -> None:  # fmt: skip
    """Add a carrier account. Its credential is sealed at once and never shown."""
    body = {
        "name": name, "carrier": carrier, "connector": connector,
        "home_country": home_country.upper() if home_country else None,
        "config": {**_from_file(config_file), **_settings(config or [])},
        "credential": _credential(shell.around.env, credential or []) or None, "iccid_digits": iccid_digits,
        "staleness_s": staleness,
    }  # fmt: skip
    made: Body = shell.client.post("/v1/carriers", body, once=True)
    shell.out.document(made)
    shell.out.say(
        f"[bold]{escape(made['name'])}[/] ({escape(made['carrier'])}) by the connector {escape(made['connector'])}."
    )


def _list(shell: Shell) -> None:
    """Carrier accounts and how they are."""
    shell.out.listing(
        shell.client.items("/v1/carriers", limit=1, everything=True), nouns.CARRIERS, noun="carrier accounts"
    )


def change(
    shell: Shell, name: Name, *,
    config: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A setting; an empty VALUE takes it away.")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config-file", metavar="FILE", help="All settings as YAML, in place of those.")
    ] = None,
    staleness: Annotated[int | None, typer.Option(min=0, help="Seconds its own view may lag.")] = None,
) -> None:  # fmt: skip
    """Change an account's settings. What is not named stays; nobody else's change in between is overwritten."""
    before: Body = shell.client.get(f"/v1/carriers/{name}")
    changes: Body = {} if staleness is None else {"staleness_s": staleness}
    if config or config_file is not None:
        known: dict[str, Any] = before["config"] if config_file is None else _from_file(config_file)
        merged = {**known, **_settings(config or [])}
        changes["config"] = {key: value for key, value in merged.items() if value != ""}
    if not changes:
        raise trouble(Exit.USAGE, "Say what should change", "such as --config writes=allowed")
    match = {"If-Match": f'"{before["version"]}"'}
    after: Body = shell.client.send("PATCH", f"/v1/carriers/{name}", body=changes, headers=match)
    shell.out.document(after)
    shell.out.fields({"account": after["name"], **{key: after[key] for key in changes}})


def check(
    shell: Shell, name: Name, *,
    wait: Annotated[
        str | None,
        typer.Option("--wait", metavar="TIME", help="Wait so long for its first complete reading, such as 10m."),
    ] = None,
) -> int:  # fmt: skip
    """How an account is: its credential, its last complete reading, what fails. Exit 1 where something does."""
    found: Body = shell.client.get(f"/v1/carriers/{name}")
    left = durations.seconds(wait, "--wait") if wait else 0
    while left > 0 and found["connector"] != "none" and not (found["swept_at"] or found["failing_since"]):
        shell.around.sleep(_LOOK_EVERY_S)
        left -= _LOOK_EVERY_S
        found = shell.client.get(f"/v1/carriers/{name}")
    reading = found["connector"] != "none"
    faults: list[str] = []
    if reading and not found["has_credential"] and _asks_for_one(shell, found["connector"]):
        faults.append("it has no credential")
    if found["failing_since"]:
        faults.append(f"failing since {words.when(found['failing_since'])}: {found['failure']}")
    if reading and not found["swept_at"]:
        faults.append("its inventory was never read completely")
    shell.out.document({"name": name, "ok": not faults, "faults": faults, "account": found})
    shell.out.fields({
        "account": found["name"], "carrier": found["carrier"], "connector": found["connector"],
        "credential": found["has_credential"], "read completely": found["swept_at"],
        "left in peace": nouns.in_peace(found), "webhook": _hook_told(found),
        "its own view lags": words.age(found["staleness_s"]), "config": found["config"],
    })  # fmt: skip
    for fault in faults:
        shell.out.say(f"[red]✗[/] {escape(fault)}")
    if not faults:
        shell.out.say("[green]✓[/] nothing is wrong")
    return int(Exit.FAILED if faults else Exit.OK)


def _hook_told(account: Body) -> str:
    """Whether its carrier may post, and how that goes."""
    known = account.get("hook")
    if not known:
        return ""
    last = f"last heard {words.when(known['heard_at'])}" if known["heard_at"] else "nothing heard yet"
    return f"{last}, {known['heard']} events, {known['refused']} refused"


def hook(
    shell: Shell, name: Name, *,
    remove: Annotated[bool, typer.Option("--remove", help="Take the address away instead.")] = False,
) -> None:  # fmt: skip
    """Give the carrier an address to post to, shown this once; the one before it ends."""
    path = f"/v1/carriers/{name}/hook"
    if remove:
        shell.client.send("DELETE", path)
        shell.out.document({"account": name, "removed": True})
        shell.out.say(f"{escape(name)} takes no more webhooks.")
        return
    made: Body = shell.client.post(path)
    shell.out.document({"account": name, **made})
    shell.out.say(escape(made["url"]))
    shell.out.note("Set it at the carrier. It is not shown again; the address before it has ended."
                   if made["replaced"] else "Set it at the carrier. It is not shown again.")  # fmt: skip


def _asks_for_one(shell: Shell, connector: str) -> bool:
    """A folder is open to whoever may read it; every other carrier asks for a credential."""
    known: list[Body] = shell.client.get("/v1/connectors")
    return any(one["id"] == connector and one["credential_fields"] for one in known)


def credential(
    shell: Shell,
    names: Annotated[list[str], typer.Argument(metavar="DEVICE…", help="Names or ids.")],
    *,
    revoke: Annotated[bool, typer.Option("--revoke", help="Withdraw it instead, and cut the device off.")] = False,
) -> None:
    """Issue what devices sign in with over MQTT. Shown this once; the old one ends."""
    made: list[Body] = []
    for name in names:
        path = f"/v1/devices/{name}/credential"
        if revoke:
            shell.client.send("DELETE", path)
            made.append({"device": name, "revoked": True})
            shell.out.say(f"{escape(name)} can no longer sign in.")
        else:
            made.append(shell.client.post(path))
    if revoke and shell.out.for_people:
        return
    shell.out.listing(Listing(items=made), nouns.CREDENTIALS, noun="credentials")
    shell.out.note("They are not shown again.")


def edit(
    shell: Shell, name: Annotated[str, typer.Argument(metavar="DEVICE", help="Its name or id.")], *,
    sku: Annotated[str | None, typer.Option(help="SKU.")] = None,
    region: Annotated[str | None, typer.Option(help="Region.")] = None,
    policy_group: Annotated[str | None, typer.Option("--group", help="Policy group.")] = None,
    batch: Annotated[str | None, typer.Option(help="Production batch.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="All its tags (may be repeated).")] = None,
    home_country: Annotated[str | None, typer.Option(metavar="CC", help="Home country.")] = None,
) -> None:  # fmt: skip
    """Say where a device belongs; policies then look at it again. An empty text takes a value away."""
    given: Body = {
        "sku": sku, "region": region, "group": policy_group, "batch": batch, "tags": tag, "home_country": home_country,
    }  # fmt: skip
    changes = {key: value or None for key, value in given.items() if value is not None}
    if not changes:
        raise trouble(Exit.USAGE, "Say what should change", "such as --group trucks")
    before: Body = shell.client.get(f"/v1/devices/{name}")
    match = {"If-Match": f'"{before["version"]}"'}
    after: Body = shell.client.send("PATCH", f"/v1/devices/{name}", body=changes, headers=match)
    shell.out.document(after)
    shell.out.fields({key: f"{words.text(before[key])} → {words.text(after[key])}" for key in changes})


def unbar(
    shell: Shell,
    policy: Annotated[str, typer.Argument(help="The policy's name.")],
    names: Annotated[list[str], typer.Argument(metavar="DEVICE…", help="Devices that a rollback barred from it.")],
) -> None:
    """Let devices back into a policy that a rollback keeps them out of; they enter as it admits."""
    made: Body = shell.client.post(f"/v1/policies/Policy/{policy}/lift-bars", {"devices": names}, once=True)
    shell.out.document(made)
    shell.out.say(f"{words.count(int(made['lifted']), 'bar')} lifted.")


def show_clock(shell: Shell) -> None:
    """What time it is, and how fast it runs (lab)."""
    _clock(shell, shell.client.get("/v1/clock"))


def set_clock(shell: Shell, rate: Annotated[float, typer.Argument(help="House seconds a real second.")]) -> None:
    """Set how fast the lab's clock runs; held to 60 while devices are being moved."""
    _clock(shell, shell.client.send("PUT", "/v1/clock", body={"rate": rate}))


def _clock(shell: Shell, found: Body) -> None:
    shell.out.document(found)
    held = f" ({found['wanted']:g} was asked for; Moves are open)" if found["wanted"] != found["rate"] else ""
    kind = "lab" if found["lab"] else "the machine's"
    shell.out.say(f"[bold]{words.when(found['now'])}[/], {kind} clock at rate {found['rate']:g}{held}")


def _settings(texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise trouble(Exit.USAGE, "--config cannot be read", f"{text!r}; expected NAME=VALUE")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _from_file(path: Path | None) -> dict[str, Any]:
    """Settings as YAML 1.2, or JSON, which is YAML too."""
    if path is None:
        return {}
    try:
        loader: Any = YAML(typ="safe", pure=True)
        plain = json.loads(json.dumps(loader.load(path.read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError, YAMLError, TypeError, ValueError) as error:
        raise trouble(Exit.USAGE, "--config-file cannot be read", f"{path}: {error}") from error
    if not isinstance(plain, dict):
        raise trouble(Exit.USAGE, "--config-file cannot be read", f"{path}: expected names with their values")
    return cast("dict[str, Any]", plain)


def _credential(env: Mapping[str, str], texts: Sequence[str]) -> dict[str, str]:
    """Secrets from files, variables or a prompt: never from the command line, which everybody on the host can read."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, source = text.partition("=")
        try:
            if not equals:
                found[name] = getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
            elif source.startswith("@"):
                found[name] = Path(source[1:]).read_text(encoding="utf-8").strip()
            elif source.startswith("env:"):
                found[name] = env[source[4:]]
            else:
                raise trouble(
                    Exit.USAGE, "A secret does not belong on the command line",
                    f"--credential {name}=…; expected {name} alone (it is asked for), {name}=@FILE or {name}=env:VAR",
                )  # fmt: skip
        except (OSError, KeyError) as error:
            raise trouble(Exit.USAGE, "A secret cannot be read", f"{name}: {source}: {error}") from error
        if not found[name]:
            raise trouble(Exit.USAGE, "A secret is empty", name)
    return found


command(
    app, "add",
    examples=(
        "fairlead carrier add global-sim --carrier 'Meridian Roam' --connector soracom \\",
        "    --credential auth_key_id=@id.txt --credential auth_key",
        "fairlead carrier add local-br --carrier 'Sabiá Móvel' --home-country BR",
        "fairlead carrier add eseye-eu --carrier Eseye --connector file --config-file eseye.yaml",
    ),
)(add)  # fmt: skip
command(app, "list", examples=("fairlead carrier list",))(_list)
command(app, "edit", examples=("fairlead carrier edit eseye-eu --config writes=allowed",
                               "fairlead carrier edit eseye-eu --config-file eseye.yaml"))(change)  # fmt: skip
command(app, "check", examples=("fairlead carrier check global-sim", "fairlead carrier check global-sim --wait 10m"))(
    check
)
command(app, "hook", examples=("fairlead carrier hook global-sim", "fairlead carrier hook global-sim --remove"))(hook)
command(devices, "credential", examples=("fairlead device credential trk-00001 trk-00002 --jsonl > secrets.jsonl",
                                         "fairlead device credential trk-00001 --revoke"))(credential)  # fmt: skip
command(devices, "edit", examples=("fairlead device edit trk-00001 --group trucks --tag cold --tag eu",))(edit)
command(devices, "unbar", examples=("fairlead device unbar brazil-local trk-00001 trk-00002",))(unbar)
command(clock, "show", examples=("fairlead clock show",))(show_clock)
command(clock, "set", examples=("fairlead clock set 3600",))(set_clock)
