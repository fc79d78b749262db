"""Opens an account of either product: its kind, its HTTP, its entry and its hook."""

from collections.abc import Mapping

from fairlead.connectors._kit.opening import Opening
from fairlead.connectors.kore.account import Kind, addressed, entry_of, kind_of
from fairlead.connectors.kore.client import KoreClient
from fairlead.connectors.kore.hook import Hook


def opened(account: Opening, kinds: Mapping[str, Kind]) -> tuple[KoreClient, Hook]:
    """What a connector speaks through and is told by. Raises `UnknownKind` and `BadAddress`."""
    config, credential = account.config, account.credential
    kind = kind_of(kinds, config)
    sender = account.http(addressed(kind, config))
    client = KoreClient(sender, entry_of(kind, sender, credential, real=account.real), hook_url=config.hook_url)
    secret = credential.fields.get("webhook_secret")
    return client, Hook(signs=kind.signs, url=config.hook_url, secret=secret)
