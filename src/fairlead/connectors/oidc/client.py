"""An OpenID Connect client: authorization code flow with PKCE, ID tokens verified here.

`engine.sign_in` calls it through `engine.ports.people.OidcPort`. It follows OpenID Connect Core 1.0
§3.1 and Discovery 1.0; the state, the nonce and the PKCE verifier are the engine's, which keeps
them until the answer comes. Token expiry is judged by the machine's clock, as the provider does,
never by the house's. Only asymmetric signatures count: a client secret is no proof of identity,
and neither is `alg: none`.
"""

import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
import jwt

from fairlead.engine.ports.carrier import Secret
from fairlead.engine.ports.people import OidcIdentity, OidcRefused, OidcSettings, OidcUnavailable

_ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
_LEEWAY_S: Final = 60.0  # two clocks in the real world
_FRESH_S: Final = 3600.0  # how long discovery and keys are believed
_LIMIT_BYTES: Final = 1 << 20
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    """What discovery says, and the keys."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    auth_methods: Sequence[str]
    keys: jwt.PyJWKSet
    read_at: float  # monotonic seconds


class OidcClient:
    """See `engine.ports.people.OidcPort`."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._providers: dict[str, _Provider] = {}

    async def begin(self, settings: OidcSettings, *, state: str, nonce: str, challenge: str, redirect_uri: str) -> str:
        """The address to send the browser to (Core §3.1.2.1, RFC 7636 §4.3); raises `OidcUnavailable`."""
        provider = await self._provider(settings.issuer)
        query = urlencode({
            "response_type": "code", "client_id": settings.client_id, "redirect_uri": redirect_uri,
            "scope": settings.scopes, "state": state, "nonce": nonce, "code_challenge": challenge,
            "code_challenge_method": "S256",
        })  # fmt: skip
        join = "&" if urlsplit(provider.authorization_endpoint).query else "?"
        return f"{provider.authorization_endpoint}{join}{query}"

    async def finish(
        self, settings: OidcSettings, secret: Secret | None, *, code: str, verifier: str, nonce: str, redirect_uri: str
    ) -> OidcIdentity:
        """Trade the code for an ID token and verify it (Core §3.1.3); raises `OidcRefused`, `OidcUnavailable`."""
        provider = await self._provider(settings.issuer)
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier,
        }  # fmt: skip
        answer = await self._trade(provider, settings.client_id, secret, form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise OidcRefused("the provider's answer holds no ID token")
        claims = await self._verified(provider, settings, token, nonce)
        if "email" not in claims and isinstance(access := answer.get("access_token"), str):
            claims = {**await self._userinfo(provider, access, str(claims["sub"])), **claims}
        email, name = claims.get("email"), claims.get("name")
        return OidcIdentity(
            issuer=settings.issuer,
            subject=str(claims["sub"]),
            email=email if isinstance(email, str) else None,
            email_verified=claims.get("email_verified") is True,
            name=name if isinstance(name, str) else None,
            claims=claims,
        )

    async def _provider(self, issuer: str, *, fresh: bool = False) -> _Provider:
        known = self._providers.get(issuer)
        if known is not None and not fresh and time.monotonic() - known.read_at < _FRESH_S:
            return known
        _refuse_plain(issuer)
        found = await self._json("GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != issuer:  # Discovery §4.3
            raise OidcUnavailable(f"discovery at {issuer} names another issuer: {str(found.get('issuer'))[:200]!r}")
        methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        userinfo = found.get("userinfo_endpoint")
        provider = _Provider(
            issuer=issuer,
            authorization_endpoint=_endpoint(found, "authorization_endpoint"),
            token_endpoint=_endpoint(found, "token_endpoint"),
            jwks_uri=_endpoint(found, "jwks_uri"),
            userinfo_endpoint=userinfo if isinstance(userinfo, str) else None,
            auth_methods=cast("list[str]", methods) if isinstance(methods, list) else [],
            keys=await self._keys(_endpoint(found, "jwks_uri")),
            read_at=time.monotonic(),
        )
        self._providers[issuer] = provider
        return provider

    async def _keys(self, uri: str) -> jwt.PyJWKSet:
        found = await self._json("GET", uri)
        try:
            return jwt.PyJWKSet.from_dict(dict(found))
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as cause:
            raise OidcUnavailable(f"{uri} holds no usable keys") from cause

    async def _trade(
        self, provider: _Provider, client_id: str, secret: Secret | None, form: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """The token request; a client with a secret sends it as the provider likes, one without names itself."""
        basic: httpx.BasicAuth | None = None
        fields = dict(form)
        if secret is None:
            fields["client_id"] = client_id
        elif "client_secret_basic" in provider.auth_methods:
            basic = httpx.BasicAuth(quote_plus(client_id), quote_plus(secret.reveal()))  # RFC 6749 §2.3.1
        else:
            fields |= {"client_id": client_id, "client_secret": secret.reveal()}
        return await self._json("POST", provider.token_endpoint, data=fields, auth=basic)

    async def _verified(self, provider: _Provider, settings: OidcSettings, token: str, nonce: str) -> Mapping[str, Any]:
        """The claims of an ID token that is for us, now, and for this sign-in (Core §3.1.3.7)."""
        key = await self._key(provider, token)
        try:
            claims = jwt.decode(
                token, key, algorithms=list(_ALGORITHMS), audience=settings.client_id, issuer=settings.issuer,
                leeway=_LEEWAY_S, options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )  # fmt: skip
        except jwt.PyJWTError as cause:
            raise OidcRefused(f"the ID token does not hold: {cause}") from cause
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise OidcRefused("the ID token is not for this sign-in: its nonce differs")
        if claims.get("azp", settings.client_id) != settings.client_id:
            raise OidcRefused("the ID token was issued to another client")
        return claims

    async def _key(self, provider: _Provider, token: str) -> jwt.PyJWK:
        """The key that a token names; keys are read again once, in case they were rotated."""
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError as cause:
            raise OidcRefused("the ID token is not a signed JWT") from cause
        for keys in (provider.keys, (await self._provider(provider.issuer, fresh=True)).keys):
            fitting = [key for key in keys.keys if kid is None or key.key_id == kid]
            if len(fitting) == 1:
                return fitting[0]
        raise OidcRefused("the ID token names a key that the provider does not publish")

    async def _userinfo(self, provider: _Provider, access: str, subject: str) -> Mapping[str, Any]:
        """More claims (Core §5.3), believed only where they are about the same subject."""
        if provider.userinfo_endpoint is None:
            return {}
        found = await self._json("GET", provider.userinfo_endpoint, headers={"Authorization": f"Bearer {access}"})
        return found if found.get("sub") == subject else {}

    async def _json(self, method: str, url: str, **options: Any) -> Mapping[str, Any]:
        _refuse_plain(url)
        try:
            reply = await self._http.request(method, url, follow_redirects=False, **options)
        except httpx.HTTPError as cause:
            raise OidcUnavailable(f"{url}: {type(cause).__name__}") from cause
        if reply.is_client_error and method == "POST":
            raise OidcRefused(f"the provider refused the code: HTTP {reply.status_code}")
        if not reply.is_success or len(reply.content) > _LIMIT_BYTES:
            raise OidcUnavailable(f"{url} answered HTTP {reply.status_code} with {len(reply.content)} bytes")
        try:
            found: object = reply.json()
        except ValueError as cause:
            raise OidcUnavailable(f"{url} did not answer with JSON") from cause
        if not isinstance(found, dict):
            raise OidcUnavailable(f"{url} did not answer with a JSON object")
        return cast("dict[str, Any]", found)


def _endpoint(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise OidcUnavailable(f"discovery names no {name}")
    _refuse_plain(value)
    return value


def _refuse_plain(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise OidcUnavailable(f"{url[:200]!r} is not an https address")
