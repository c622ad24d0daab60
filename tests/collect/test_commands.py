"""`huaxiang import`, `validate` and `describe` as a shop's person meets them."""

from pathlib import Path

import orjson
import pytest
import typer
from typer.testing import CliRunner, Result

from huaxiang.cli.data import register
from huaxiang.errors import ConfigError, DataError

ROWS = "客户,货号,时间\nann,tea,2026-11-01\nbob,pot,2026-11-02\n"


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    register(made)
    return made


def run(app: typer.Typer, *words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def write(folder: Path, text: str) -> Path:
    path = folder / "sales.csv"
    path.write_text(text)
    return path


def test_guessed_columns_wait_for_a_yes(app: typer.Typer, tmp_path: Path) -> None:
    result = run(app, "import", write(tmp_path, ROWS), "--event", "purchase", "--data-dir", tmp_path / "shop")
    assert isinstance(result.exception, ConfigError)
    assert "confirm them with --yes" in str(result.exception)
    assert "客户" in result.output
    assert not (tmp_path / "shop").exists()


def test_an_import_with_a_yes(app: typer.Typer, tmp_path: Path) -> None:
    figures = tmp_path / "out" / "figures.json"
    result = run(
        app,
        "import",
        write(tmp_path, ROWS),
        "--event",
        "purchase",
        "--yes",
        "--data-dir",
        tmp_path / "shop",
        "--json",
        figures,
    )
    assert result.exit_code == 0
    assert "2 rows = 2 accepted + 0 duplicates + 0 quarantined" in result.output
    assert orjson.loads(figures.read_bytes())["files"][0]["accepted"] == 2


def test_columns_given_in_full_need_no_yes(app: typer.Typer, tmp_path: Path) -> None:
    path, given = write(tmp_path, ROWS), "user_id=客户,item_id=货号,timestamp=时间"
    result = run(app, "import", path, "--event", "purchase", "--map", given, "--data-dir", tmp_path / "shop")
    assert result.exit_code == 0


def test_the_exit_status_tells_of_a_quarantine(app: typer.Typer, tmp_path: Path) -> None:
    path = write(tmp_path, ROWS + "cid,cup,never\n")
    result = run(app, "import", path, "--event", "purchase", "--yes", "--data-dir", tmp_path / "shop")
    assert result.exit_code == 1
    assert "1 quarantined" in result.output
    assert len(list((tmp_path / "shop" / "quarantine").glob("sales.csv-*.jsonl"))) == 1


def test_a_dry_run_says_the_line_and_keeps_nothing(app: typer.Typer, tmp_path: Path) -> None:
    result = run(app, "validate", write(tmp_path, ROWS + "cid,cup,never\n"), "--event", "purchase")
    assert result.exit_code == 1
    assert "line 4: timestamp 'never' is no moment" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["sales.csv"]


def test_a_good_file_is_valid(app: typer.Typer, tmp_path: Path) -> None:
    assert run(app, "validate", write(tmp_path, ROWS), "--event", "purchase").exit_code == 0


def test_items_that_the_shop_knows_are_known(app: typer.Typer, tmp_path: Path) -> None:
    items = tmp_path / "items.jsonl"
    items.write_bytes(orjson.dumps({"event": "set_item", "item_id": "tea", "timestamp": 0, "name": "Tea"}))
    run(app, "import", items, "--data-dir", tmp_path / "shop")
    figures = tmp_path / "figures.json"
    sales = write(tmp_path, ROWS)
    run(app, "validate", sales, "--event", "purchase", "--data-dir", tmp_path / "shop", "--json", figures)
    assert orjson.loads(figures.read_bytes())["figures"]["unknown_items"] == 1


def test_a_shop_is_described(app: typer.Typer, tmp_path: Path) -> None:
    run(app, "import", write(tmp_path, ROWS), "--event", "purchase", "--yes", "--data-dir", tmp_path / "shop")
    figures = tmp_path / "figures.json"
    result = run(app, "describe", "--data-dir", tmp_path / "shop", "--json", figures)
    assert result.exit_code == 0
    assert "█" in result.output
    found = orjson.loads(figures.read_bytes())
    assert (found["events"], found["users"], found["items"], found["density"]) == (2, 2, 2, 0.5)
    assert found["first"] == "2026-11-01T00:00:00+00:00"


def test_an_empty_shop_and_a_file_are_described(app: typer.Typer, tmp_path: Path) -> None:
    items = tmp_path / "items.jsonl"
    items.write_bytes(orjson.dumps({"event": "set_item", "item_id": "tea", "timestamp": 0, "name": "Tea"}))
    run(app, "import", items, "--data-dir", tmp_path / "shop")
    assert run(app, "describe", "--data-dir", tmp_path / "shop").exit_code == 0
    assert run(app, "describe", write(tmp_path, ROWS), "--event", "purchase").exit_code == 0


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["--map", "客户"], ConfigError, "is no pair"),
        (["--timezone", "Mars/Base"], ConfigError, "unknown --timezone"),
        (["--event", "buy"], DataError, "unknown event 'buy'"),
    ],
)
def test_a_mistake_in_the_command(
    app: typer.Typer, tmp_path: Path, words: list[str], error: type[Exception], said: str
) -> None:
    result = run(app, "validate", write(tmp_path, ROWS), *words)
    assert isinstance(result.exception, error)
    assert said in str(result.exception)


def test_no_shop_to_describe(app: typer.Typer, tmp_path: Path) -> None:
    result = run(app, "describe", "--data-dir", tmp_path / "shop")
    assert "import a file" in str(result.exception)


ITEMS = "item_id,name,price,size,vendor_id\ntea,Green tea,9.5,big|round,7\npot,Pot,x,,\n"


def test_a_catalogue_shows_what_becomes_of_its_columns(app: typer.Typer, tmp_path: Path) -> None:
    result = run(app, "import", write(tmp_path, ITEMS), "--yes", "--data-dir", tmp_path / "shop")
    assert result.exit_code == 1
    assert "format items" in result.output
    assert "(attribute)" in result.output
    assert "(left out)" in result.output
    assert "2 rows = 1 accepted + 0 duplicates + 1 quarantined" in result.output


def test_a_shop_is_described_with_the_names_of_its_items(app: typer.Typer, tmp_path: Path) -> None:
    run(app, "import", write(tmp_path, ITEMS), "--yes", "--data-dir", tmp_path / "shop")
    sales = write(tmp_path, "user,item,time\nann,tea,2026-11-01\n")
    run(app, "import", sales, "--event", "purchase", "--yes", "--data-dir", tmp_path / "shop")
    figures = tmp_path / "figures.json"
    result = run(app, "describe", "--data-dir", tmp_path / "shop", "--json", figures)
    assert "tea  Green tea" in result.output
    assert orjson.loads(figures.read_bytes())["top_items"] == [{"item_id": "tea", "events": 1, "name": "Green tea"}]


def test_a_catalogue_and_a_log_go_in_with_one_command(app: typer.Typer, tmp_path: Path) -> None:
    items, sales = tmp_path / "items.csv", write(tmp_path, ROWS)
    items.write_text(ITEMS)
    result = run(app, "import", items, sales, "--event", "purchase", "--yes", "--data-dir", tmp_path / "shop")
    assert "items.csv: 2 rows = 1 accepted" in result.output
    assert "sales.csv: 2 rows = 2 accepted" in result.output


def test_no_row_is_said_to_be_out_of_order_where_none_is(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "sequences"
    path.write_text("ann tea pot cup\nbob pot tea\n")
    result = run(app, "import", path, "--data-dir", tmp_path / "shop")
    assert "5 accepted" in result.output
    assert "sorted" not in result.output
