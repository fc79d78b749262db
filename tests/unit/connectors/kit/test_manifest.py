from datetime import timedelta
from importlib.resources import files

import pytest

from fairlead.connectors._kit.manifest import MalformedManifest, read_manifest
from fairlead.model.subscription import Verb, capability

TEXT = files("fairlead.connectors.soracom").joinpath("manifest.toml").read_text(encoding="utf-8")


def test_a_manifest_becomes_a_capability_record() -> None:
    manifest = read_manifest(TEXT)
    assert manifest.id == "soracom"
    assert manifest.limits["read"].burst > manifest.limits["read"].per_second
    terminate = capability(manifest.capabilities, Verb.TERMINATE)
    assert (terminate.supported, terminate.reversible) == (True, False)
    assert "allow_termination" in terminate.needs
    assert capability(manifest.capabilities, Verb.ADD_SUBSCRIPTION).longest == timedelta(days=7)
    assert manifest.capabilities.usage is not None
    assert manifest.capabilities.usage.retention == timedelta(days=548)


def test_a_manifest_may_name_more_secrets_a_second_address_and_a_days_allowance() -> None:
    text = TEXT.replace(
        "page_size = 100", 'page_size = 100\naction_budget = { state = 5, any = 20 }\nrequired_settings = ["zip"]'
    )
    text = text.replace("[auth]", '[auth]\nurl = "https://login.example"\noptional = ["webhook_secret"]')
    manifest = read_manifest(text)
    assert manifest.action_budget == {"state": 5, "any": 20}
    assert manifest.required_settings == ("zip",)
    assert (manifest.auth_url, manifest.auth_optional) == ("https://login.example", ("webhook_secret",))
    assert (manifest.contract, manifest.webhook) == ("first-party", "path")


def test_steering_binds_the_line_unless_a_manifest_says_whom() -> None:
    assert read_manifest(TEXT).capabilities.steering_scope == "sim"
    shared = TEXT.replace("page_size = 100", 'page_size = 100\nsteering_scope = "group"')
    assert read_manifest(shared).capabilities.steering_scope == "group"


def test_what_a_manifest_does_not_name_is_unsupported_and_says_why() -> None:
    missing = capability(read_manifest(TEXT).capabilities, Verb.SET_NETWORK_POLICY)
    assert not missing.supported
    assert missing.because


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('id = "soracom"', 'id = "soracom"\ncolour = "red"', "colour"),
        ('"ListsSims", ', '"ListSims", ', "ListSims"),
        ('id = "soracom"', "id = 7", "id"),
        ("read = { per_second = 20, burst = 40 }\n", "", "read"),
        ("read = { per_second = 20, burst = 40 }", "read = { per_second = 0, burst = 40 }", "read"),
        ("read = { per_second = 20, burst = 40 }", "reads = { per_second = 1, burst = 40 }", "reads"),
        ('steering = "none"', 'steering = "sometimes"', "steering"),
        ('steering = "none"', 'steering = "none"\nsteering_scope = "everybody"', "steering_scope"),
        ("suspend = { typical_s = 1,", 'suspend = { mode = "maybe", typical_s = 1,', "mode"),
        ("suspend = {", "suspendd = {", "suspendd"),
        ('id = "soracom"', "id = ", "Invalid value"),
        ('"SendsSms", ', "", "send_sms: supported, but implements lacks SendsSms"),
        ('"ChangesMany", ', "", "bulk_max above 1"),
        ('contract = "first-party"', 'contract = "reconstruction"', "experimental"),
        ('contract = "first-party"', 'contract = "hearsay"', "contract"),
        ('webhook = "path"', 'webhook = "none"', "webhook"),
        ("page_size = 100", "page_size = 100\naction_budget = { state = 0 }", "action_budget"),
        ("page_size = 100", "page_size = 100\naction_budget = { states = 5 }", "action_budget"),
    ],
)
def test_a_malformed_manifest_is_refused_by_name(old: str, new: str, named: str) -> None:
    assert old in TEXT
    with pytest.raises(MalformedManifest, match=named):
        read_manifest(TEXT.replace(old, new, 1))
