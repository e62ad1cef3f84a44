"""Opening logs and catalogues: whatever is wrong is said in words that help."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, ModelUnavailable, WrongUse
from fairrec.impressions.codes import ItemCodes
from fairrec.impressions.items import items_of, open_items
from fairrec.impressions.reading import open_log
from fairrec.metrics.item_groups import group_items

LOG = pd.DataFrame({"user": [1, 1, 2], "item": ["b", "a", "b"], "rank": [1, 2, 1]})


def parquet(path: Path, table: pd.DataFrame) -> Path:
    pyarrow.parquet.write_table(pa.Table.from_pandas(table, preserve_index=False), path)
    return path


def rows_of(source: Any, columns: dict[str, str] | None = None) -> list[dict[str, Any]]:
    log = open_log(source, columns)
    names = tuple(log.columns)
    return [row for table in log.read(names, 2) for row in table.to_pylist()]


def test_columns_go_by_other_names(tmp_path: Path) -> None:
    table = LOG.rename(columns={"user": "uid", "item": "iid", "rank": "position"})
    table["score"] = 1.0
    mapping = {"user": "uid", "item": "iid", "rank": "position"}
    found = rows_of(parquet(tmp_path / "log.parquet", table), mapping)
    assert found[1] == {"user": 1, "item": "a", "rank": 2, "score": 1.0}


def test_a_missing_column_is_named_with_the_nearest() -> None:
    table = LOG.rename(columns={"user": "user_id"})
    with pytest.raises(BadData, match="no column 'user'; it has 'user_id', 'item', 'rank'") as e:
        open_log(table)
    assert 'columns={"user": "user_id"}' in e.value.do
    with pytest.raises(BadData, match="no column 'place'"):
        open_log(LOG, {"rank": "place"})
    with pytest.raises(WrongUse, match="columns names 'ranks'"):
        open_log(LOG, {"ranks": "rank"})


def test_files_that_are_not_there_or_of_another_form(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="does not exist"):
        open_log(tmp_path / "log.parquet")
    (tmp_path / "log.json").write_text("{}")
    with pytest.raises(WrongUse, match=r"ends in '\.json'"):
        open_log(tmp_path / "log.json")
    with pytest.raises(WrongUse, match="holds no such file"):
        open_log(tmp_path)
    with pytest.raises(WrongUse, match="given as list"):
        open_log([1, 2])
    LOG.to_csv(tmp_path / "log.csv", index=False)
    parquet(tmp_path / "log.parquet", LOG)
    with pytest.raises(BadData, match=r"end in \.csv and \.parquet"):
        open_log(tmp_path)


def test_files_of_a_folder_have_the_same_columns(tmp_path: Path) -> None:
    parquet(tmp_path / "1.parquet", LOG)
    parquet(tmp_path / "2.parquet", LOG.drop(columns="rank"))
    with pytest.raises(BadData, match="differ in their columns"):
        open_log(tmp_path)


@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_truncated_parquet_file(tmp_path: Path, kept: float) -> None:
    whole = parquet(tmp_path / "log.parquet", pd.concat([LOG] * 1000)).read_bytes()
    (tmp_path / "log.parquet").write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(BadData, match=r"log\.parquet cannot be read as parquet") as raised:
        rows_of(tmp_path / "log.parquet")
    assert "cut short" in raised.value.expected and raised.value.do


def test_a_parquet_file_with_broken_pages(tmp_path: Path) -> None:
    path = parquet(tmp_path / "log.parquet", pd.concat([LOG] * 1000))
    data = bytearray(path.read_bytes())
    data[4:200] = bytes(196)
    path.write_bytes(bytes(data))
    with pytest.raises(BadData, match="cannot be read as parquet"):
        rows_of(path)


@pytest.mark.parametrize(
    "text", ["", "user,item,rank\n1,a\n", "user,item,rank\n1,a,1,7\n", 'user,item,rank\n1,"a,1\n']
)
def test_broken_csv(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(BadData, match="cannot be read as csv"):
        rows_of(tmp_path / "log.csv")


def test_csv_ids_stay_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(
        b"\xef\xbb\xbfuser,item,rank,note\r\n007,12,1,x\r\nA,,2,y\r\n"
    )
    assert rows_of(tmp_path / "log.csv") == [
        {"user": "007", "item": "12", "rank": "1"},
        {"user": "A", "item": None, "rank": "2"},
    ]


def test_a_truncated_feather_file(tmp_path: Path) -> None:
    pyarrow.feather.write_feather(LOG, tmp_path / "log.feather")
    data = (tmp_path / "log.feather").read_bytes()
    (tmp_path / "log.feather").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadData, match="cannot be read as feather"):
        rows_of(tmp_path / "log.feather")


def test_two_columns_of_one_name() -> None:
    table = pd.DataFrame([[1, 2, 3]], columns=["user", "item", "item"])
    with pytest.raises(BadData, match="'item' as the name of several columns"):
        open_log(table)


def test_without_pyarrow_a_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def none(name: str, *rest: Any, **named: Any) -> Any:
        if name.split(".")[0] == "pyarrow":
            raise ImportError(name)
        return importing(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", none)
    with pytest.raises(ModelUnavailable, match=r"fairrec\[parquet\]"):
        open_log(LOG)


def test_items_by_column(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "id": [7, 3, 5, 9],
            "provider": ["x", "y|x", None, "y"],
            "interactions": [1.0, 0.0, 4.0, 2.0],
            "year": [1990, 1991, 1992, 1993],
        }
    )
    table.to_csv(tmp_path / "items.csv", index=False)
    catalog = Catalog(
        ("7", "3", "5", "9"),
        tuple("abcd"),
        {name: table[name].to_numpy(dtype) for name, dtype in
         (("provider", object), ("interactions", float), ("year", float))},
    )  # fmt: skip
    for source in (
        table,
        parquet(tmp_path / "items.parquet", table),
        tmp_path / "items.csv",
        catalog,
    ):
        items = open_items(source)
        assert items.codes.positions(pa.array([5, 7, 1])).tolist() == [2, 0, -2]
        for column in ("provider", "year"):
            groups, expected = items.groups(column), group_items(table[column].tolist())
            assert groups.names == expected.names
            assert (groups.membership.toarray() == expected.membership.toarray()).all()
        assert items.makes_bands("year") and not items.makes_bands("provider")
        assert items.amounts("interactions").tolist() == [1, 0, 4, 2]


def test_what_is_wrong_with_items() -> None:
    table = pd.DataFrame({"id": [1, 2], "n": [1.0, -2.0], "m": [np.nan, 1.0], "g": [None, None]})
    items = open_items(table)
    with pytest.raises(BadData, match="'n' is -2 in row 2"):
        items.amounts("n")
    with pytest.raises(BadData, match="'m' is missing in row 1"):
        items.amounts("m")
    with pytest.raises(BadData, match="column 'g' of the catalogue"):
        items.groups("g")
    with pytest.raises(WrongUse, match="no column 'provider'") as raised:
        items.groups("provider")
    assert "'n', 'm', 'g'" in raised.value.expected
    with pytest.raises(BadData, match="no column 'movie'; it has 'id'"):
        open_items(table, "movie")
    for ids, words in (([1, 1], "more than once, such as 1"), (["a", None], "row 2 has no id")):
        with pytest.raises(BadData, match=words):
            open_items(pd.DataFrame({"id": ids}))
    with pytest.raises(BadData, match="more than once, such as '1'"):
        open_items(pd.DataFrame({"id": pd.Series([1, "1"], dtype=object)}))
    with pytest.raises(BadData, match="holds no item"):
        open_items(pd.DataFrame({"id": []}))
    with pytest.raises(BadData, match="have the type bool"):
        ItemCodes(pa.array([True]), "the catalogue")


def test_items_of_a_log() -> None:
    items = items_of(open_log(LOG))
    assert items.from_log and items.codes.ids.to_pylist() == ["a", "b"]
    numbers = items_of(open_log(LOG.assign(item=[9, 4, None])))
    assert numbers.codes.ids.to_pylist() == [4, 9]
    with pytest.raises(BadData, match="shows no item"):
        items_of(open_log(LOG.iloc[:0]))
    with pytest.raises(WrongUse, match="give a catalogue"):
        items.groups("provider")
