"""The file carrier over SFTP, against Debian's own OpenSSH server on loopback, unpacked into a temporary directory."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.contract.bench import ACCOUNT, TENANT, Clock, Levels, Stage, new_world
from tests.contract.benches.file import FILES

from fairlead.connectors._kit.factory import AccountConfig
from fairlead.connectors._kit.http import Bounds
from fairlead.connectors.file.factory import FACTORY
from fairlead.connectors.file.mapping import BadMapping
from fairlead.engine.ports.carrier import Accepted, AuthFailed, Credential, Done, Secret, Unavailable
from fairlead.model.subscription import SubscriptionState
from fairlead_sim.carriers.files import FilesFake

pytestmark = [pytest.mark.peer("sshd"), pytest.mark.timeout(180)]
PACKAGES = ("openssh-server", "libwrap0")


@dataclass
class Key:
    private: str
    public: str


def new_key() -> Key:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return Key(private, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


@pytest.fixture(scope="module")
def sshd() -> Any:
    """The program and the libraries it needs: the machine's own, or unpacked and never installed."""
    pytest.importorskip("asyncssh", reason="peer sshd: asyncssh is not installed (the extra sftp)")
    if shutil.which("sshd", path="/usr/sbin:/usr/local/sbin"):
        yield [shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")], {}
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        pytest.skip("peer sshd: no sshd here, and no apt-get to fetch openssh-server with")
    with tempfile.TemporaryDirectory(prefix="fairlead-sshd-") as folder:
        Path(folder).chmod(0o755)
        for command in (["apt-get", "update", "-qq"], ["apt-get", "download", "-qq", *PACKAGES]):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode and command[1] == "download":
                pytest.skip(f"peer sshd: openssh-server cannot be fetched: {done.stderr.strip()[-200:]}")
        for package in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), f"{folder}/tree"], check=True)
        libraries = {str(path.parent) for path in Path(folder, "tree").rglob("*.so*")}
        program = f"{folder}/tree/usr/sbin/sshd"
        environ = {"LD_LIBRARY_PATH": ":".join(sorted(libraries))}
        needs = subprocess.run(
            ["ldd", program], env={**os.environ, **environ}, capture_output=True, text=True, check=False
        )
        if "not found" in needs.stdout:
            pytest.skip(f"peer sshd: libraries are missing: {needs.stdout.strip()[-200:]}")
        yield [program], environ


@dataclass
class House:
    port: int
    host: Key
    user: str
    mine: Key
    folder: Path
    office: FilesFake
    clock: Clock

    def open(self, *, key: Key | None = None, pinned: Key | None = None, port: int = 0, **more: Any) -> Any:
        sftp = {
            "host": "127.0.0.1", "port": port or self.port, "user": self.user, "host_key": (pinned or self.host).public,
        }  # fmt: skip
        settings = FILES | {"folder": str(self.folder), "sftp": sftp} | more
        config = AccountConfig(
            tenant=TENANT, account=ACCOUNT, name="northwind/tr", settings={"files": settings},
            bounds=Bounds(total=timedelta(seconds=20)),
        )  # fmt: skip
        fields = {"sftp_key": Secret((key or self.mine).private)}
        stage = Stage("", None)  # type: ignore[arg-type] - nothing goes over HTTP
        return FACTORY.open(config, Credential(fields=fields), stage.http, Levels(), now=self.clock, real=self.clock)


@pytest_asyncio.fixture(loop_scope="session")
async def house(sshd: Any) -> AsyncIterator[House]:
    command, environ = sshd
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    root = Path(tempfile.mkdtemp(prefix="fairlead-sftp-"))
    root.chmod(0o755)  # noqa: ASYNC240
    host, mine, clock = new_key(), new_key(), Clock()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (root / "host").write_text(host.private)
    (root / "known").write_text(mine.public + "\n")
    # Without PAM an account that has no password counts as locked.
    (root / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {root}/host\nAuthorizedKeysFile {root}/known\nPidFile none\n"
        "StrictModes no\nUsePAM yes\nPasswordAuthentication no\nSubsystem sftp internal-sftp\nForceCommand internal-sftp\n"
    )
    office = FilesFake(new_world(clock), "tr", root / "files")
    (root / "host").chmod(0o600)
    for path in (root, *root.rglob("*")):  # noqa: ASYNC240
        os.chown(path, account.pw_uid, account.pw_gid)
    switch = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": ()} if os.geteuid() == 0 else {}
    server = subprocess.Popen(  # noqa: ASYNC220
        [*command, "-D", "-e", "-f", str(root / "config")],
        env={**os.environ, **environ},
        stderr=subprocess.PIPE,
        **switch,
    )
    try:
        for _ in range(100):
            try:
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
                break
            except OSError:
                if server.poll() is not None:
                    pytest.skip(f"peer sshd: it does not start: {server.stderr.read()[-300:]!r}")
                await asyncio.sleep(0.1)
        yield House(port, host, account.pw_name, mine, root / "files", office, clock)
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(root, ignore_errors=True)


async def test_inventory_ticket_and_confirmation_go_over_sftp(house: House) -> None:
    sim = house.office.world.issue("tr", 3, state="active")[0]
    house.office.work()
    connector = house.open()
    await connector.check()
    pages = [page async for page in connector.list_sims()]
    assert [len(page.sims) for page in pages] == [3]
    asked = await connector.suspend(sim.iccid)
    assert isinstance(asked, Accepted)
    assert (await house.open().suspend(sim.iccid)).reference == asked.reference
    assert [path.name for path in (house.folder / "tickets").iterdir()] == [f"{asked.reference.split()[1]}.csv"]
    house.clock.tick(hours=1)
    house.office.work()
    end = await house.open().follow_up(asked.reference)
    assert isinstance(end, Done)
    assert end.observed.subscription.state is SubscriptionState.SUSPENDED
    assert house.office.desk.executed["suspend", sim.iccid] == 1
    again = await house.open().suspend(sim.iccid)
    assert isinstance(again, Done)
    assert again.changed is False


async def test_another_host_key_is_refused_before_anything_is_sent(house: House) -> None:
    with pytest.raises(AuthFailed, match="host_key"):
        await house.open(pinned=new_key()).check()


async def test_a_key_the_server_does_not_know_is_refused(house: House) -> None:
    stranger = new_key()
    with pytest.raises(AuthFailed) as refused:
        await house.open(key=stranger).check()
    said = str(refused.value) + repr(vars(refused.value))
    assert stranger.private.split("\n")[1] not in said
    broken = Key("-----BEGIN not a key", "")
    with pytest.raises(AuthFailed):
        await house.open(key=broken).check()


async def test_a_server_that_is_not_there_is_unavailable(house: House) -> None:
    with pytest.raises(Unavailable):
        await house.open(port=9).check()


async def test_a_symbolic_link_is_no_export(house: House, tmp_path: Path) -> None:
    house.office.world.issue("tr", 1)
    house.office.work()
    (real,) = house.folder.glob("stock_*.csv")
    real.rename(house.folder / "hidden.txt")
    real.symlink_to(house.folder / "hidden.txt")
    with pytest.raises(Unavailable, match="no whole file"):
        await house.open().check()


async def test_a_folder_that_is_not_there_is_unavailable(house: House) -> None:
    with pytest.raises(Unavailable, match="no such folder"):
        await house.open(folder=str(house.folder / "nowhere")).check()


def test_sftp_without_key_and_password_is_refused(tmp_path: Path) -> None:
    config = AccountConfig(
        tenant=TENANT, account=ACCOUNT, name="x",
        settings={"files": FILES | {"sftp": {"host": "sftp.example.com", "user": "u", "host_key": "ssh-ed25519 AAAA"}}},
    )  # fmt: skip
    stage = Stage("", None)  # type: ignore[arg-type]
    with pytest.raises(BadMapping, match="sftp_password nor sftp_key"):
        FACTORY.open(config, Credential(fields={}), stage.http, Levels(), now=Clock(), real=Clock())
