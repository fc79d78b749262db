"""Settings: which source wins, what is refused, and that no password is ever shown."""

from datetime import UTC, datetime

import pytest

from fairlead.config import ConfigRefused, load


def faults(**given):
    with pytest.raises(ConfigRefused) as refused:
        load(**{"environ": {}, **given})
    return {fault.key: fault.expected for fault in refused.value.faults}


def test_flags_beat_variables_beat_the_file_beat_defaults(tmp_path):
    file = tmp_path / "fairlead.toml"
    file.write_text('[api]\nport = 1\nhost = "127.0.0.2"\n[log]\nlevel = "error"\n')
    read = load(
        file=file, environ={"FAIRLEAD_API_PORT": "2", "FAIRLEAD_LOG_LEVEL": "debug"}, flags={"log.level": "warning"}
    )
    assert (read.api_port, read.api_host, read.log_level, read.mqtt_port) == (2, "127.0.0.2", "warning", 1883)


def test_the_file_may_be_named_by_a_variable(tmp_path):
    file = tmp_path / "other.toml"
    file.write_text("[api]\nport = 77\n")
    assert load(environ={"FAIRLEAD_CONFIG": str(file)}).api_port == 77


def test_unknown_keys_are_refused_with_the_nearest_we_know(tmp_path):
    file = tmp_path / "fairlead.toml"
    file.write_text("[api]\nprot = 1\n")
    assert "api.port" in faults(file=file)["api.prot"]
    assert "FAIRLEAD_API_PORT" in faults(environ={"FAIRLEAD_API_PROT": "1"})["FAIRLEAD_API_PROT"]
    assert "FAIRLEAD_TOKEN" not in str(load(environ={"FAIRLEAD_TOKEN": "x"}))


def test_every_fault_is_named_at_once():
    found = faults(environ={"FAIRLEAD_API_PORT": "70000", "FAIRLEAD_ENV": "prod", "FAIRLEAD_NATS_URL": "http://x"})
    assert found.keys() == {"api.port", "env", "nats.url"}


def test_a_file_that_is_no_toml_is_refused(tmp_path):
    file = tmp_path / "fairlead.toml"
    file.write_text("api = [")
    assert str(file) in faults(file=file)
    assert str(tmp_path / "none") in faults(file=tmp_path / "none")


@pytest.mark.parametrize(
    "bad",
    [
        "http://fairlead.example.com", "ftp://x", "https://", "fairlead.example.com", "https://u:p@x.example",
        "https://x.example/base", "https://x.example?a", "https://x.example#a", "https://x.example:99999",
        "https://x.example:0", "https://\u00e4.example",
    ],
)  # fmt: skip
def test_the_public_address_is_https_outside_loopback_and_nothing_but_an_origin(bad):
    assert "https outside loopback" in faults(environ={"FAIRLEAD_API_PUBLIC_URL": bad})["api.public_url"]
    assert "u:p" not in str(faults(environ={"FAIRLEAD_API_PUBLIC_URL": bad}))


@pytest.mark.parametrize(
    "good",
    ["https://x.example", "https://x.example:8443", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:80"],
)
def test_public_addresses_that_do(good):
    assert load(environ={"FAIRLEAD_API_PUBLIC_URL": good + "/"}).api_public_url == good


def test_the_clock_is_of_the_lab_only():
    read = load(environ={"FAIRLEAD_CLOCK": "3600@2026-01-01T00:00:00Z"})
    assert read.clock is not None
    assert (read.clock.rate, read.clock.epoch) == (3600.0, datetime(2026, 1, 1, tzinfo=UTC))
    assert read.check() == []
    refused = load(
        environ={"FAIRLEAD_CLOCK": "60", "FAIRLEAD_ENV": "production", "FAIRLEAD_DATA_DIR": "/srv/f"}
    ).check()
    assert [fault.key for fault in refused] == ["clock"]
    for bad in ("0", "nan", "fast", "60@yesterday", "60@2026-01-01T00:00:00", "99999999"):
        assert "clock" in faults(environ={"FAIRLEAD_CLOCK": bad})


def test_outside_loopback_tls_is_required(tmp_path):
    def keys(**environ):
        return [fault.key for fault in load(environ=environ).check()]

    assert keys(FAIRLEAD_API_HOST="0.0.0.0") == ["api.host"]
    assert keys(FAIRLEAD_API_HOST="::1", FAIRLEAD_MQTT_HOST="localhost") == []
    pem = tmp_path / "x.pem"
    pem.touch()
    assert keys(FAIRLEAD_API_HOST="0.0.0.0", FAIRLEAD_TLS_CERT=str(pem), FAIRLEAD_TLS_KEY=str(pem)) == []
    assert "tls" in keys(FAIRLEAD_TLS_CERT=str(pem))


def test_a_database_needs_both_roles_and_no_password_is_shown():
    dsn = "postgresql://fairlead_app:hunter2@db/fairlead"
    read = load(environ={"FAIRLEAD_DATABASE_APP": dsn})
    assert [fault.key for fault in read.check()] == ["database"]
    assert "hunter2" not in repr(read) + str(read.shown())
    assert read.shown()["database.app"] == "postgresql://fairlead_app:***@db/fairlead"
    assert "hunter2" not in str(faults(environ={"FAIRLEAD_DATABASE_APP": "mysql://a:hunter2@db/x"}))


def test_a_dsn_may_be_pairs_as_bootstrap_prints_it():
    pairs = "user=fairlead_app password=hunter2 host=db dbname=fairlead"
    both = {"FAIRLEAD_DATABASE_APP": pairs, "FAIRLEAD_DATABASE_DOOR": "user=fairlead_door password='hunter 2' host=db"}
    read = load(environ=both)
    assert (read.database_app, read.check()) == (pairs, [])
    assert read.shown()["database.app"] == "user=fairlead_app password=*** host=db dbname=fairlead"
    assert read.shown()["database.door"] == "user=fairlead_door password=*** host=db"
    assert "hunter2" not in str(faults(environ={"FAIRLEAD_DATABASE_APP": "db password=hunter2"}))


def test_the_passwords_of_a_nats_of_ones_own_are_no_settings():
    assert "x1" not in str(load(environ={"FAIRLEAD_NATS_CORE_PASSWORD": "x1", "FAIRLEAD_NATS_AUTH_PASSWORD": "x1"}))


def test_how_often_carriers_are_read_is_bounded():
    assert load(environ={}).carriers_sweep_s == 300
    assert load(environ={"FAIRLEAD_CARRIERS_SWEEP_S": "2"}).carriers_sweep_s == 2
    assert faults(environ={"FAIRLEAD_CARRIERS_SWEEP_S": "0"}).keys() == {"carriers.sweep_s"}
