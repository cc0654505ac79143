from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from auditpanel.config import Settings, load_secret_key
from auditpanel.errors import InvalidInput


def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = Settings.from_environment({})
    assert (settings.host, settings.port, settings.data) == ("127.0.0.1", 8000, Path.cwd() / "instance")
    assert (settings.database_url, settings.redis_url, settings.admin_password, settings.secret_key) == (None, None, None, None)
    assert settings.with_demo
    assert not settings.allow_private_webhooks
    assert not settings.behind_proxy
    assert settings.web_workers == 2


def test_an_empty_variable_counts_as_not_set() -> None:
    names = ("PORT", "HOST", "AUDITPANEL_DATA", "DATABASE_URL", "REDIS_URL", "AUDITPANEL_DEMO", "SECRET_KEY", "AUDITPANEL_WEB_WORKERS")
    assert Settings.from_environment(dict.fromkeys(names, "")) == Settings.from_environment({})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_a_postgresql_address_is_taken(scheme: str) -> None:
    settings = Settings.from_environment({"DATABASE_URL": f"{scheme}://ann:p%40ss@db:5433/panel?sslmode=require"})
    assert settings.database_url == "postgresql+psycopg://ann:p%40ss@db:5433/panel?sslmode=require"


@pytest.mark.parametrize("text", ["1", "true", "YES", "on"])
def test_a_switch_is_turned_on_by(text: str) -> None:
    assert Settings.from_environment({"AUDITPANEL_BEHIND_PROXY": text}).behind_proxy


def test_the_demo_is_left_out_with_0() -> None:
    assert not Settings.from_environment({"AUDITPANEL_DEMO": "0"}).with_demo


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "abc"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "8_000"),
        ("PORT", "٨٠٠٠"),
        ("PORT", "9" * 5000),
        ("AUDITPANEL_WEB_WORKERS", "0"),
        ("AUDITPANEL_DEMO", "maybe"),
        ("DATABASE_URL", "mysql://db/panel"),
        ("DATABASE_URL", "postgresql://"),
        ("DATABASE_URL", "postgresql://db:port/panel"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://cache:99999"),
        ("AUDITPANEL_EXPORTS_URL", "/srv/exports"),
        ("AUDITPANEL_EXPORTS_URL", "s3://"),
        ("AUDITPANEL_EXPORTS_URL", "s3://Exports\n"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_that_names_the_variable(name: str, text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Settings.from_environment({name: text})
    assert refusal.value.field == name
    assert str(refusal.value).startswith(f"{name}: ")
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 200


def test_exports_are_kept_in_the_data_folder_unless_a_bucket_is_named() -> None:
    assert Settings.from_environment({}).exports_url is None
    assert Settings.from_environment({"AUDITPANEL_EXPORTS_URL": "s3://shop-exports/panel"}).exports_url == "s3://shop-exports/panel"


def test_a_refused_database_address_does_not_show_its_password() -> None:
    with pytest.raises(InvalidInput) as refusal:
        Settings.from_environment({"DATABASE_URL": "mysql://ann:hush@db/panel"})
    assert "hush" not in str(refusal.value)


def test_the_secret_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    settings = Settings.from_environment({"AUDITPANEL_DATA": str(tmp_path)})
    key = load_secret_key(settings)
    assert len(key) == 64
    assert load_secret_key(settings) == key
    assert os.stat(tmp_path / "secret_key").st_mode & 0o777 == 0o600


def test_processes_that_start_at_once_agree_on_one_secret_key(tmp_path: Path) -> None:
    settings = Settings.from_environment({"AUDITPANEL_DATA": str(tmp_path)})
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: load_secret_key(settings), range(64)))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_the_secret_key_of_the_environment_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    settings = Settings.from_environment({"AUDITPANEL_DATA": str(tmp_path), "SECRET_KEY": "given"})
    assert load_secret_key(settings) == "given"
    assert list(tmp_path.iterdir()) == []
