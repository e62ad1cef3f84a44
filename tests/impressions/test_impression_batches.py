"""Logs become lists; what is odd in them is counted, what is wrong names its row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from impression_logs import batches_of, lists_of, literal_lists, random_log

from fairrec.errors import BadData, WrongUse
from fairrec.impressions import arranging
from fairrec.metrics.item_lists import END, OFF

IDS = ["a", "b", "c"]


def log(*rows: tuple[Any, ...], names: str = "user item rank") -> pd.DataFrame:
    return pd.DataFrame(rows, columns=names.split())


@pytest.mark.parametrize("rows", [1, 7, 64, 10_000])
@pytest.mark.parametrize("k", [1, 3, 10])
def test_lists_are_those_of_a_loop_over_rows(rows: int, k: int) -> None:
    for seed in range(5):
        table = random_log(60, 9, seed)
        found, counts = lists_of(table, range(9), k, rows=rows)
        assert found == literal_lists(table, 9, k)
        assert (counts.rows, counts.lists) == (len(table), 60)
        assert counts.beyond == (table["rank"] > k).sum()


def test_counts_do_not_depend_on_the_batch_size() -> None:
    table = random_log(80, 9, 3)
    _, whole = lists_of(table, range(9), 5)
    for rows in (1, 2, 33):
        assert lists_of(table, range(9), 5, rows=rows)[1] == whole
    assert min(whole.off_catalogue, whole.repeats, whole.unsorted, whole.gaps, whole.short) > 0


def test_ranks_decide_and_rows_may_be_in_any_order() -> None:
    found, counts = lists_of(log((1, "c", 3), (1, "a", 1), (1, "b", 2), (2, "a", 1)), IDS)
    assert found == [[0, 1, 2], [0, END, END]]
    assert counts.unsorted == 1
    assert any("1 of 2 lists are not in the order" in text for text in counts.warnings(3))


def test_a_gap_keeps_the_ranks_of_what_follows() -> None:
    found, counts = lists_of(log((1, "a", 1), (1, "b", 4), (2, "c", 2)), IDS, 4)
    assert found == [[0, OFF, OFF, 1], [OFF, 2, END, END]]
    assert (counts.gaps, counts.with_gaps) == (3, 2)
    assert any("3 place(s) of 2 lists are missing" in text for text in counts.warnings(4))


def test_the_first_place_of_an_item_counts() -> None:
    found, counts = lists_of(log((1, "b", 3), (1, "a", 2), (1, "b", 1), (2, "c", 1)), IDS)
    assert found == [[1, 0, OFF], [2, END, END]]
    assert counts.repeats == 1
    assert any("1 impression(s) show a user an item again" in t for t in counts.warnings(3))


def test_the_same_row_twice_counts_once() -> None:
    found, counts = lists_of(log((1, "a", 1), (1, "a", 1), (1, "b", 2)), IDS)
    assert (found, counts.repeats) == ([[0, 1, END]], 1)


def test_what_is_not_in_the_catalogue_keeps_its_place() -> None:
    found, counts = lists_of(log((1, "x", 1), (1, None, 2), (1, "b", 3), (1, "y", 4)), IDS)
    assert found == [[OFF, OFF, 1]]
    assert (counts.off_catalogue, counts.without_id, counts.beyond) == (2, 1, 1)
    (text,) = [text for text in counts.warnings(3) if "not in the catalogue" in text]
    assert text.startswith("2 of 3 impressions (66.7%)") and "1 of them without any id" in text


def test_ragged_lists_are_counted() -> None:
    found, counts = lists_of(log((1, "a", 1), (1, "b", 2), (2, "c", 1)), IDS, 2)
    assert (found, counts.short) == ([[0, 1], [2, END]], 1)
    assert any("1 of 2 lists have fewer than 2 places" in text for text in counts.warnings(2))


def test_without_a_rank_rows_are_in_order_and_a_warning_says_so() -> None:
    table = log((1, "b"), (1, "a"), (2, "c"), names="user item")
    found, counts = lists_of(table, IDS)
    assert found == [[1, 0, END], [2, END, END]]
    assert any("the order of the rows of each user is taken" in t for t in counts.warnings(3))


def test_without_a_rank_scores_rank() -> None:
    table = log(
        (1, "a", -3.0), (1, "b", -1.0), (1, "c", -3.0), (2, "c", 0), names="user item score"
    )
    found, counts = lists_of(table, IDS)
    assert found == [[1, 0, 2], [2, END, END]]
    assert counts.unsorted == 0
    assert any("ranked by score" in text for text in counts.warnings(3))


def test_relevance_is_the_largest_of_an_items() -> None:
    table = log(
        (1, "b", 3, 0.5), (1, "b", 1, 0.25), (1, "x", 2, 1), (2, "a", 9, 1), (2, "c", 1, 0),
        names="user item rank relevance",
    )  # fmt: skip
    batches, _ = batches_of(table, IDS, 3)
    found = [
        row for batch in batches if batch.relevant is not None for row in batch.relevant.toarray()
    ]
    assert np.array(found).tolist() == [[0, 0.5, 0], [1, 0, 0]]
    assert all(batch.relevant is None for batch in batches_of(table.iloc[:, :3], IDS)[0])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (log((1, "a", 1), (1, "b", 0)), "rank in row 2 is 0.*add 1 to every rank"),
        (log((1, "a", -2)), "rank in row 1 is -2"),
        (log((1, "a", 1), (1, "b", None)), "rank in row 2 is missing"),
        (log((1, "a", 1.5)), "rank in row 1 is 1.5"),
        (log((1, "a", "1"), (1, "b", "two")), "rank is no number in row 2: 'two'"),
        (log((1, "a", 2), (1, "b", 2)), "user '1' has two items at rank 2; one is in row 2"),
        (log((1, "a", 1), (None, "b", 1)), "names no user in row 2"),
        (log(("u", "a", 1), (None, "b", 1)), "names no user in row 2"),
        (log((1, "a", np.nan), names="user item score"), "score in row 1 is missing"),
        (log((1, "a", np.inf), names="user item score"), "score in row 1 is inf"),
        (log((1, "a", 1, -1), names="user item rank relevance"), "relevance in row 1 is -1"),
        (log((1, "a", 1, None), names="user item rank relevance"), "relevance in row 1 is missing"),
        (log(names="user item rank"), "the table is empty"),
    ],
)
def test_what_cannot_be_meant_names_its_row(table: pd.DataFrame, words: str) -> None:
    with pytest.raises(BadData, match=f"(?s){words}") as raised:
        lists_of(table, IDS)
    assert raised.value.expected and raised.value.do


def test_rows_are_counted_over_batches() -> None:
    rows = [(n, "a", 1) for n in range(50)]
    with pytest.raises(BadData, match="row 51 is 0"):
        lists_of(log(*rows, (50, "a", 0)), IDS, rows=7)


def test_scattered_users_are_sorted_and_rows_keep_their_numbers() -> None:
    table = random_log(50, 9, 1).sample(frac=1, random_state=0, ignore_index=True)
    texts = table.assign(user=[f"u{user}" for user in table["user"]])
    for some in (table, texts):
        found, counts = lists_of(some, range(9), 4, rows=13)
        assert found == literal_lists(some, 9, 4)
        assert counts.sorted_rows == len(table)
        assert any("were sorted in memory" in text for text in counts.warnings(4))
    with pytest.raises(BadData, match="rank in row 2 is 0"):
        lists_of(log((1, "a", 1), (2, "b", 0), (1, "c", 2)), IDS)


def test_a_long_log_has_to_come_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arranging, "SORTABLE", 2)
    table = log((1, "a", 1), (2, "b", 1), (1, "c", 2)).rename(columns={"user": "uid"})
    with pytest.raises(BadData, match=r"scattered over the 3 rows(?s:.*)ORDER BY uid, rank"):
        lists_of(table, IDS, columns={"user": "uid"})
    together = table.sort_values("uid", ascending=False)
    assert lists_of(together, IDS, columns={"user": "uid"})[1].sorted_rows == 0


@pytest.mark.parametrize(
    ("ids", "items"),
    [
        ([10, 20, 30], [20, 99, 10]),
        (["10", "20", "30"], [20, 99, 10]),
        ([10, 20, 30], ["20", "020", "10"]),
        (["a", "20", "10"], ["20", None, "10"]),
        (["a", "20", "10"], [20.0, None, 10.0]),
        (["a", "20", "10"], [20, "x", "10"]),
        ([-4, 20, 10**12], [20, -5, 10**12]),
        ([0, 1, 2], [1, 3, 2]),
    ],
)
def test_numbers_and_their_texts_are_one_id(ids: list[Any], items: list[Any]) -> None:
    table = pd.DataFrame({"user": 1, "item": pd.Series(items), "rank": [1, 2, 3]})
    (found,), counts = lists_of(table, ids)
    where = {str(item): place for place, item in enumerate(ids)}
    expected = [where.get(str(int(i) if isinstance(i, float) else i), OFF) for i in items[::2]]
    assert found == [expected[0], OFF, expected[1]]
    assert counts.off_catalogue == 1


def test_every_form_gives_the_same_lists(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    table = random_log(40, 9, 2)[["user", "item", "rank"]]
    texts = table.assign(user="u" + table["user"].astype(str), item="i" + table["item"].astype(str))
    for some, ids in ((table, list(range(9))), (texts, [f"i{n}" for n in range(9)])):
        whole = pa.Table.from_pandas(some, preserve_index=False)
        some.to_csv(tmp_path / "log.csv", index=False)
        pyarrow.parquet.write_table(whole, tmp_path / "log.parquet", row_group_size=11)
        pyarrow.feather.write_feather(whole, tmp_path / "log.feather", chunksize=11)
        folder = tmp_path / str(some["user"].dtype)
        folder.mkdir()
        for part, start in enumerate(range(0, len(some), 25)):
            pyarrow.parquet.write_table(whole.slice(start, 25), folder / f"part-{part:03}.parquet")
        sources = [
            some,
            polars.from_pandas(some),
            whole,
            some.astype({"user": "category", "item": "category"}),
            tmp_path / "log.csv",
            str(tmp_path / "log.parquet"),
            tmp_path / "log.feather",
            folder,
        ]
        expected = literal_lists(table, 9, 4)
        for source in sources:
            for rows in (10, 1000):
                assert lists_of(source, ids, 4, rows=rows)[0] == expected, type(source)


def test_settings_are_checked() -> None:
    with pytest.raises(WrongUse, match="k is 0"):
        lists_of(log((1, "a", 1)), IDS, 0)
