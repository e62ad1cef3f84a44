from __future__ import annotations

import numpy as np
import pytest

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse


def small() -> Catalog:
    return Catalog(
        ("a", "b", "c"),
        ("Alien", "Brazil", "Cube"),
        {
            "year": np.array([1979.0, np.nan, 1997.0]),
            "director": np.array(["Ridley Scott", None, None], dtype=object),
        },
    )


def test_items_are_found_by_id() -> None:
    catalog = small()
    assert len(catalog) == 3
    assert list(catalog) == ["a", "b", "c"]
    assert "b" in catalog
    assert "z" not in catalog
    assert catalog.index("c") == 2
    assert catalog.title("b") == "Brazil"
    assert list(catalog.column("director")) == ["Ridley Scott", None, None]
    assert repr(catalog) == "Catalog(3 items, columns: year, director)"


def test_subset_keeps_the_order_asked_for() -> None:
    subset = small().subset(["c", "a"])
    assert subset.ids == ("c", "a")
    assert subset.titles == ("Cube", "Alien")
    assert list(subset.column("year")) == [1997.0, 1979.0]
    with pytest.raises(BadData, match="no items"):
        small().subset([])
    with pytest.raises(BadData, match="'a' in rows 1, 2"):
        small().subset(["a", "a"])


def test_equal_content_is_equal() -> None:
    assert small() == small()
    assert hash(small()) == hash(small())
    assert small().content_hash == small().subset(["a", "b", "c"]).content_hash
    assert small() != small().subset(["b", "a", "c"])
    changed = Catalog(small().ids, small().titles, {"year": np.array([1979.0, 0.0, 1997.0])})
    assert small() != changed
    assert len(small().content_hash) == 64
    assert Catalog(("a",), ("A",), {"x": np.array([np.inf])}) != Catalog(
        ("a",), ("A",), {"x": np.array([np.nan])}
    )


def test_unknown_names_say_the_nearest() -> None:
    with pytest.raises(WrongUse, match="no item has the id 'q'") as caught:
        small().index("q")
    assert caught.value.exit_code == 4
    with pytest.raises(WrongUse, match="no column 'directors'") as caught:
        small().column("directors")
    assert "the nearest are 'director'" in caught.value.do
    with pytest.raises(WrongUse, match="'director' holds text"):
        small().numbers("director")


@pytest.mark.parametrize(
    ("ids", "titles", "message"),
    [
        ((), (), "the catalogue has no items"),
        (("a",), ("A", "B"), "2 titles for 1 ids"),
        (("a", " "), ("A", "B"), "1 row(s) have a blank id: row 2."),
        (("a", "b"), ("", " "), "2 row(s) have a blank title: row 1, 2."),
        (("a", "?b"), ("A", "B"), "1 row(s) have an id that starts with '?': row 2."),
        (tuple("abab"), tuple("ABCD"), "2 id(s) stand in more than one row: 'a' in rows 1, 3; "),
    ],
)
def test_bad_items_are_refused(ids: tuple[str, ...], titles: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadData) as caught:
        Catalog(ids, titles)
    assert caught.value.seen.startswith(message)
    assert caught.value.expected
    assert caught.value.do


def test_many_bad_rows_are_named_in_part() -> None:
    with pytest.raises(BadData) as caught:
        Catalog(("a",) * 9 + tuple("bbccddee"), ("T",) * 17)
    assert caught.value.seen == (
        "5 id(s) stand in more than one row: 'a' in rows 1, 2, 3, 4, ...; "
        "'b' in rows 10, 11; 'c' in rows 12, 13; ...."
    )


def test_columns_have_one_value_per_item() -> None:
    with pytest.raises(BadData, match="column 'year' has 1 values for 2 items"):
        Catalog(("a", "b"), ("A", "B"), {"year": np.array([1.0])})
