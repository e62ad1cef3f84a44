from __future__ import annotations

from pathlib import Path

import pytest

from fairrec.datasets import Dataset, read_dataset


def triples(dataset: Dataset) -> list[tuple[str, str, float]]:
    frame = dataset.interactions
    return list(zip(frame["user"], frame["item"], frame["rating"], strict=True))


def write(folder: Path, files: dict[str, str], encoding: str = "utf-8") -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding, newline="")
    return folder


RECBOLE = {
    "x.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    "1\t10\t3\t20\n2\t10\t4\t30\n",
    "x.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "10\tNet, The\t1995\tAction Sci-Fi\n",
    "x.user": "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
    "1\t24\tM\twriter\t1\n2\t53\tF\tother\t2\n",
}


def test_codes_of_movielens_1m_in_recbole_are_named(tmp_path: Path) -> None:
    files = RECBOLE | {
        "x.user": "user_id:token\tgender:token\tage:token\toccupation:token\n"
        "1\tF\t1\t10\n2\tM\t56\t20\n"
    }
    dataset = read_dataset(write(tmp_path / "x", files))
    assert dataset.profiles["1"]["age"] == "under 18"
    assert dataset.profiles["2"] == {"gender": "male", "age": "56+", "occupation": "writer"}


def test_unknown_codes_do_not_pass_for_ages(tmp_path: Path) -> None:
    files = RECBOLE | {
        "x.user": "user_id:token\tgender:float\tage:float\toccupation:float\n"
        "1\t1\t0\t3\n2\t0\t6\t4\n"
    }
    dataset = read_dataset(write(tmp_path / "x", files))
    assert dataset.profiles["1"] == {"gender": "1", "age": "code 0", "occupation": "3"}
    assert any("codes of an unknown kind" in said for said in dataset.warnings)
    assert any("gender has values that are kept" in said for said in dataset.warnings)


def test_parquet_and_a_lone_file(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"user": [7, 7], "item": [3, 4], "rating": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "log.parquet")
    frame.to_csv(tmp_path / "log.csv", index=False)
    assert triples(read_dataset(tmp_path / "log.parquet")) == [("7", "3", 1.0), ("7", "4", 2.0)]
    assert triples(read_dataset(tmp_path / "log.csv")) == [("7", "3", 1.0), ("7", "4", 2.0)]
