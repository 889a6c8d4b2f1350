"""Settings come from the environment, and a wrong one is said at the start."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from kestra_ee.environment import env_plugin_defaults
from kestra_ee.settings import BASE_DIR, database_from_url

SHOW = (
    "import json; from kestra_ee import settings as s; d = s.DATABASES['default'];"
    "print(json.dumps({'pool': d['OPTIONS'].get('pool'), 'age': d['CONN_MAX_AGE'], 'options': d['OPTIONS']['options'],"
    "'hosts': s.ALLOWED_HOSTS, 'secure': s.SESSION_COOKIE_SECURE, 'hsts': s.SECURE_HSTS_SECONDS,"
    "'transport': s.CELERY_BROKER_TRANSPORT_OPTIONS}))"
)


def settings_of(**environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("KESTRA_", "DATABASE_", "CELERY_"))
    }
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        env={**kept, **environment},
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def shown(**environment: str) -> dict[str, Any]:
    done = settings_of(**environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_only_the_web_process_has_a_pool() -> None:
    key = {"KESTRA_EE_SECRET_KEY": "x" * 50}
    web = shown(KESTRA_EE_PROCESS="web", KESTRA_EE_DB_POOL="7", **key)
    assert (web["pool"]["max_size"], web["age"]) == (7, 0)
    worker = shown(KESTRA_EE_PROCESS="worker", **key)
    assert (worker["pool"], worker["age"]) == (None, 60)
    for option in ("random_page_cost=1.1", "jit=off", "idle_in_transaction_session_timeout=30s"):
        assert f"-c {option}" in worker["options"]


def test_process_without_a_secret_key_does_not_start() -> None:
    done = settings_of(KESTRA_EE_PROCESS="web")
    assert done.returncode != 0
    assert "KESTRA_EE_SECRET_KEY is not set" in done.stderr


def test_cookies_are_secure_where_the_address_is() -> None:
    plain = shown()
    assert (plain["secure"], plain["hsts"]) == (False, 0)
    https = shown(KESTRA_EE_URL="https://flows.example.com")
    assert (https["secure"], https["hsts"]) == (True, 31536000)
    assert "flows.example.com" in https["hosts"]
    assert shown(KESTRA_EE_ALLOWED_HOSTS="a.example, b.example")["hosts"] == ["a.example", "b.example"]


def test_queue_in_postgresql_gets_its_own_address() -> None:
    given = shown(CELERY_BROKER_URL="pgmq://u:p@localhost:5432/kestra_queue", DATABASE_URL="postgresql://u:p@h/kestra")
    assert given["transport"]["conn_string"] == "postgresql://u:p@localhost:5432/kestra_queue"
    assert shown(CELERY_BROKER_URL="redis://localhost")["transport"] == {}


def test_database_address() -> None:
    found = database_from_url("postgresql://us%40er:p%2Fw@db.example:5433/kes%20tra?sslmode=require")
    assert found == {
        "NAME": "kes tra",
        "USER": "us@er",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


@pytest.mark.parametrize("url", ["", "mysql://h/d", "postgresql://host", "host/db"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL must look like"):
        database_from_url(url)


def test_plugin_defaults_are_yaml_or_a_file_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "- type: io.kestra.plugin.core.log.Log\n  forced: true\n  values: {level: DEBUG}\n"
    file = tmp_path / "defaults.yaml"
    file.write_text(text)
    wanted = [{"type": "io.kestra.plugin.core.log.Log", "forced": True, "values": {"level": "DEBUG"}}]
    for given, found in ((text, wanted), (str(file), wanted), ("", [])):
        monkeypatch.setenv("KESTRA_EE_PLUGIN_DEFAULTS", given)
        assert env_plugin_defaults("KESTRA_EE_PLUGIN_DEFAULTS") == found


@pytest.mark.parametrize(
    "given",
    [
        "{type: a.B}",
        "- {type: a.B}",
        "- {type: a.B, values: {}, force: true}",
        "- {type: a.B, values: 1}",
        "- [",
        "/nowhere",
    ],
)
def test_other_plugin_defaults_are_refused_without_showing_them(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("KESTRA_EE_PLUGIN_DEFAULTS", given)
    with pytest.raises(ImproperlyConfigured, match="KESTRA_EE_PLUGIN_DEFAULTS") as refused:
        env_plugin_defaults("KESTRA_EE_PLUGIN_DEFAULTS")
    assert "a.B" not in str(refused.value)
