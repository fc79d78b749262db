"""The family's words over HTTP: JSON that is read, forms that change, pages by token. No domain, no retries.

The next page is named by an absolute address. Only its `Page` and `PageToken` are taken from it: a
request with our secrets goes where the account says, never where a reply says.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

from fairlead.connectors._kit.entry import Entry, Renewed
from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.engine.ports.carrier import Unavailable

_LONGEST_TOKEN: Final = 2_000


class KoreClient:
    """One account at one of the products."""

    def __init__(self, http: Http, entry: Entry, *, hook_url: str = "") -> None:
        self._http = http
        self._entry = entry
        self._callback = {"CallbackUrl": hook_url, "CallbackMethod": "POST"} if hook_url else {}

    async def login(self) -> None:
        """Fetch a new token where the account has tokens. Raises `AuthFailed`."""
        if isinstance(self._entry, Renewed):
            await self._entry.login()

    async def get(self, *path: str, params: Mapping[str, str] | None = None) -> object:
        """One resource."""
        call = Call(method="GET", path=at(*path), call_class="read", params=params or {})
        return self._http.readable(await self._entry.send(call)).value

    async def page(
        self, *path: str, key: str, limit: int, after: str | None = None, params: Mapping[str, str] | None = None
    ) -> tuple[list[object], str | None]:
        """One page of a list, whose entries stand under `key`, and the cursor of the next one."""
        asked = {**(params or {}), "PageSize": str(limit)}
        if after is not None:
            number, _, token = after.partition(" ")
            asked |= {"Page": number, "PageToken": token}
        body = as_object(await self.get(*path, params=asked)) or EMPTY
        lines = as_list(body.get(key))
        if lines is None:
            raise Unavailable(f"GET {at(*path)}: the reply has no list of {key}")
        return lines, cursor_of(Fields(body, []).inner("meta").text("next_page_url"))

    async def change(self, *path: str, form: Mapping[str, str], told: bool = False) -> Reply | Denial:
        """Change something; `told`: the carrier calls back when it is done, where the account has a hook."""
        whole = {**form, **(self._callback if told else {})}
        return await self._entry.send(Call(method="POST", path=at(*path), call_class="write", changes=True, form=whole))

    async def make(self, *path: str, form: Mapping[str, str | list[str]]) -> Reply | Denial:
        """Make something that changes no SIM, so that its silence is only a failure."""
        return await self._entry.send(Call(method="POST", path=at(*path), call_class="write", form=form))


def at(*path: str) -> str:
    """The path of a resource; no part of it leaves its place."""
    return "/v1/" + "/".join(quote(part, safe="") for part in path)


def cursor_of(address: str) -> str | None:
    """The cursor in the address of the next page; None where there is none."""
    try:
        query = parse_qs(urlsplit(address).query)
    except ValueError:
        return None
    token = query.get("PageToken", [""])[0]
    number = query.get("Page", ["0"])[0]
    if not token or len(token) > _LONGEST_TOKEN or not (number.isascii() and number.isdigit()):
        return None
    return f"{number} {token}"
