"""What the OpenID client believes: only tokens that are signed by the provider, for us, now, for this sign-in."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from fairlead.connectors.oidc.client import OidcClient
from fairlead.engine.ports.carrier import Secret
from fairlead.engine.ports.people import OidcIdentity, OidcRefused, OidcSettings, OidcUnavailable

ISSUER = "https://id.example.com/realm"
SETTINGS = OidcSettings(issuer=ISSUER, client_id="fairlead")
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, kid: str) -> dict[str, Any]:
    kind = jwt.algorithms.ECAlgorithm if key is CURVE else jwt.algorithms.RSAAlgorithm
    return kind.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig"}


class Provider:
    """An identity provider in memory."""

    def __init__(self) -> None:
        self.keys = [jwk(RSA, "one")]
        self.discovery: dict[str, Any] = {
            "issuer": ISSUER, "authorization_endpoint": ISSUER + "/auth?x=1", "token_endpoint": ISSUER + "/token",
            "jwks_uri": ISSUER + "/keys", "userinfo_endpoint": ISSUER + "/me",
        }  # fmt: skip
        self.answer: dict[str, Any] = {}
        self.me: dict[str, Any] = {}
        self.status = 200
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        match request.url.path.removeprefix("/realm"):
            case "/.well-known/openid-configuration":
                return httpx.Response(self.status, json=self.discovery)
            case "/keys":
                return httpx.Response(200, json={"keys": self.keys})
            case "/token":
                return httpx.Response(self.status, json=self.answer)
            case "/me":
                return httpx.Response(200, json=self.me)
            case _:
                return httpx.Response(404)


@pytest.fixture
def provider() -> Provider:
    return Provider()


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "iss": ISSUER, "aud": "fairlead", "sub": "s1", "iat": now, "exp": now + 300, "nonce": "n1",
        "email": "ada@example.com", "email_verified": True, "name": "Ada",
    } | changes  # fmt: skip
    return {name: value for name, value in whole.items() if value is not None}


def signed(key: Any = RSA, *, alg: str = "RS256", kid: str | None = "one", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=alg, headers={"kid": kid} if kid else None)


async def finish(provider: Provider, token: object, *, secret: str | None = "s%cret") -> OidcIdentity:
    provider.answer = {"access_token": "a", "token_type": "Bearer", "id_token": token}
    async with httpx.AsyncClient(transport=httpx.MockTransport(provider)) as http:
        return await OidcClient(http).finish(
            SETTINGS,
            Secret(secret) if secret else None,
            code="c1",
            verifier="v1",
            nonce="n1",
            redirect_uri="https://f/cb",
        )


async def test_a_good_token_says_who_it_is(provider: Provider) -> None:
    found = await finish(provider, signed())
    assert (found.issuer, found.subject, found.email, found.email_verified) == (ISSUER, "s1", "ada@example.com", True)
    trade = next(r for r in provider.requests if r.url.path.endswith("/token"))
    form = {name: values[0] for name, values in parse_qs(trade.content.decode()).items()}
    assert form == {
        "grant_type": "authorization_code",
        "code": "c1",
        "redirect_uri": "https://f/cb",
        "code_verifier": "v1",
    }
    assert httpx.BasicAuth("fairlead", "s%25cret")._auth_header == trade.headers["authorization"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: signed(nonce="n2"),
        lambda: signed(nonce=None),
        lambda: signed(aud="other"),
        lambda: signed(aud=["fairlead", "other"], azp="other"),
        lambda: signed(iss="https://evil.example"),
        lambda: signed(exp=int(time.time()) - 120),
        lambda: signed(exp=None),
        lambda: signed(iat=int(time.time()) + 600),
        lambda: signed(nbf=int(time.time()) + 600),
        lambda: signed(sub=None),
        lambda: signed(OTHER),
        lambda: signed(OTHER, kid="two"),
        lambda: jwt.encode(claims(), None, algorithm="none"),
        lambda: jwt.encode(claims(), "s%cret-that-is-long-enough-for-hs256", algorithm="HS256", headers={"kid": "one"}),
        lambda: signed()[:-8] + "AAAAAAAA",
        lambda: "nonsense",
        lambda: None,
        lambda: 7,
    ],
)
async def test_anything_else_is_refused(provider: Provider, make: Callable[[], object]) -> None:
    with pytest.raises(OidcRefused):
        await finish(provider, make())


async def test_a_rotated_key_is_read_again_once(provider: Provider) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(provider)) as http:
        client = OidcClient(http)
        await client.begin(SETTINGS, state="s", nonce="n", challenge="c", redirect_uri="https://f/cb")
        provider.keys = [jwk(CURVE, "two")]
        provider.answer = {"id_token": signed(CURVE, alg="ES256", kid="two")}
        found = await client.finish(SETTINGS, None, code="c", verifier="v", nonce="n1", redirect_uri="https://f/cb")
        assert found.subject == "s1"
        assert sum(r.url.path.endswith("/keys") for r in provider.requests) == 2
        trade = next(r for r in provider.requests if r.url.path.endswith("/token"))
        assert b"client_id=fairlead" in trade.content


async def test_more_claims_count_only_for_the_same_subject(provider: Provider) -> None:
    provider.me = {"sub": "s1", "email": "me@example.com", "email_verified": True, "iss": "https://evil.example"}
    found = await finish(provider, signed(email=None, email_verified=None))
    assert (found.email, found.email_verified, found.claims["iss"]) == ("me@example.com", True, ISSUER)
    provider.me = {"sub": "s2", "email": "me@example.com", "email_verified": True}
    assert (await finish(provider, signed(email=None))).email is None


@pytest.mark.parametrize("verified", ["true", 1, None, False])
async def test_only_true_is_verified(provider: Provider, verified: object) -> None:
    assert not (await finish(provider, signed(email_verified=verified))).email_verified


async def test_the_address_to_go_to(provider: Provider) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(provider)) as http:
        url = await OidcClient(http).begin(SETTINGS, state="s t", nonce="n", challenge="c", redirect_uri="https://f/cb")
    assert url.startswith(ISSUER + "/auth?x=1&response_type=code&client_id=fairlead&")
    assert "state=s+t" in url


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://id.example.com"},
        {"token_endpoint": "http://id.example.com/token"},
        {"jwks_uri": None},
        {"authorization_endpoint": 7},
    ],
)
async def test_a_discovery_that_does_not_fit_is_unavailable(provider: Provider, change: dict[str, Any]) -> None:
    provider.discovery |= change
    with pytest.raises(OidcUnavailable):
        await finish(provider, signed())


@pytest.mark.parametrize(
    ("status", "expected"), [(400, OidcRefused), (401, OidcRefused), (500, OidcUnavailable), (302, OidcUnavailable)]
)
async def test_a_refused_code_is_not_a_broken_provider(
    provider: Provider, status: int, expected: type[Exception]
) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(provider)) as http:
        client = OidcClient(http)
        await client.begin(SETTINGS, state="s", nonce="n", challenge="c", redirect_uri="https://f/cb")
        provider.status = status
        with pytest.raises(expected):
            await client.finish(SETTINGS, None, code="c", verifier="v", nonce="n1", redirect_uri="https://f/cb")
