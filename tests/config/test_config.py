"""Settings: where each one comes from, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from huaxiang.config import Settings, load_settings, settings_schema
from huaxiang.errors import ConfigError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without settings."""
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "shop.toml") -> Path:
    path = Path(name)
    path.write_text(text)
    return path


def test_with_nothing_said_the_defaults_hold() -> None:
    assert load_settings() == Settings()


def test_each_place_outranks_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("data_dir = 'file'\n[server]\nport = 1\nhost = 'file'\nmax_body_mb = 1\n[training]\nseed = 1")
    monkeypatch.setenv("HUAXIANG_SERVER__PORT", "2")
    monkeypatch.setenv("HUAXIANG_SERVER__HOST", "environment")
    monkeypatch.setenv("HUAXIANG_DATA_DIR", "environment")
    found = load_settings(file, ["server.port=3", "data_dir=override"], data_dir=Path("given"))
    assert (found.training.seed, found.server.max_body_mb) == (1, 1)
    assert (found.server.host, found.server.port, found.data_dir) == ("environment", 3, Path("given"))


def test_the_working_directorys_file_is_read_without_being_named() -> None:
    write("[training]\nseed = 7", "huaxiang.toml")
    assert load_settings().training.seed == 7


def test_a_named_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"cannot read the settings in nowhere\.toml"):
        load_settings(Path("nowhere.toml"))


def test_a_value_that_was_not_given_changes_nothing() -> None:
    assert load_settings(data_dir=None).data_dir == Path("huaxiang-data")


@pytest.mark.parametrize("text", ["[server", "port", "= 5", "\x00"])
def test_broken_toml_names_its_file(text: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the settings in shop\.toml"):
        load_settings(write(text))


def test_a_file_that_is_no_text_names_itself() -> None:
    Path("shop.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"shop\.toml"):
        load_settings(Path("shop.toml"))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("server.prt=1", r"server\.prt: unknown; known here: .*port"),
        ("srv.port=1", r"srv: unknown; known here: .*server"),
        ("server.port.deep=1", r"server\.port"),
        ("server.port=http", r"server\.port: .*integer"),
        ("server.port=0", r"server\.port: .*greater than or equal to 1"),
        ("training.budget_seconds=0", r"training\.budget_seconds"),
        ("training.budget_seconds=Infinity", r"training\.budget_seconds: .*finite"),
        ("profiles.interest_half_life_days=NaN", r"profiles\.interest_half_life_days"),
        ("consent.default=maybe", r"consent\.default: .*'granted' or 'denied'"),
        ("server", r"not of the form section\.key=value"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_its_rule(override: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_settings(None, [override])


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigError, match=r"server\.port.*; training\.sed"):
        load_settings(None, ["server.port=0", "training.sed=1"])


def test_an_unknown_key_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUAXIANG_RETRIEVAL__CANDIDATES", "9")
    with pytest.raises(ConfigError, match=r"retrieval\.candidates: unknown; known here: n_candidates"):
        load_settings()


def test_a_value_where_a_section_should_be_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUAXIANG_SERVER__PORT", "2")
    with pytest.raises(ConfigError, match="server is a value, not a section"):
        load_settings(write("server = 5"))


def test_where_tests_find_their_data_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUAXIANG_DATA", "/somewhere")
    assert load_settings() == Settings()


def test_keys_of_tenants_come_from_any_place_and_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUAXIANG_SERVER__KEYS__NORTH", "n-secret")
    found = load_settings(write("[server.keys]\nsouth = 's-secret'"))
    assert {tenant: key.get_secret_value() for tenant, key in found.server.keys.items()} == {
        "north": "n-secret",
        "south": "s-secret",
    }
    assert "secret" not in repr(found).replace("SecretStr", "")


def test_a_refused_key_is_not_told_to_the_log() -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings(None, ["server.keys=hunter2"])
    assert "hunter2" not in str(refused.value)


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError):
        load_settings().data_dir = Path("x")  # type: ignore[misc]


def test_the_log_stands_in_the_data_directory_unless_it_is_elsewhere() -> None:
    assert load_settings(data_dir=Path("shop")).store_url == "sqlite:///shop/shop.db"
    assert load_settings(None, ["store.url=sqlite:///x.db"]).store_url == "sqlite:///x.db"


def test_the_schema_is_json_and_knows_every_section() -> None:
    schema = json.loads(json.dumps(settings_schema(), allow_nan=False))
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(Settings.model_fields)
    sections = {entry["$ref"].split("/")[-1] for entry in schema["properties"].values() if "$ref" in entry}
    assert all(schema["$defs"][name]["additionalProperties"] is False for name in sections)


@settings(deadline=None, max_examples=40)
@given(
    port=st.integers(1, 65535),
    seed=st.integers(-(10**9), 10**9),
    days=st.floats(1e-3, 1e6),
    host=st.text(st.characters(categories=["Ll", "Lo"]), min_size=1, max_size=9).filter(
        lambda text: text not in {"true", "false", "null"}
    ),
)
def test_an_override_reads_back_what_was_written(port: int, seed: int, days: float, host: str) -> None:
    said: dict[str, Any] = {"server.port": port, "training.seed": seed, "server.host": host}
    found = load_settings(
        None, [*(f"{key}={value}" for key, value in said.items()), f"profiles.mood_half_life_days={days!r}"]
    )
    assert (found.server.port, found.training.seed, found.server.host) == (port, seed, host)
    assert found.profiles.mood_half_life_days == days
