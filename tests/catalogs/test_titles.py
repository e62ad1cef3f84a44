from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairrec.catalogs import films, normalise_title
from fairrec.catalogs.titles import MAX_TITLE, numbers_in, split_year


@pytest.mark.parametrize(
    "spellings",
    [
        [
            "The Matrix",
            "Matrix, The",
            "the matrix",
            "MATRIX",
            "The Matrix (1999)",
            " Matrix [1999]",
        ],
        ["Amélie", "Amelie", "AMÉLIE", "Ame\u0301lie"],
        ["Das Boot", "Boot, Das"],
        ["Lilo & Stitch", "Lilo and Stitch", "Lilo + Stitch"],
        ["Spider-Man 2", "Spider Man 2", "Spider-Man II", "Spider–Man: 2", "Spider-Man2"],
        ["The Godfather: Part II", "Godfather, Part Two", "The Godfather, Pt. 2"],
        ["Schindler's List", "Schindler’s List", "Schindlers List"],
        ["M*A*S*H", "MASH", "M.A.S.H."],
        ["Dr. Dolittle", "Doctor Dolittle"],
        ["Kill Bill: Vol. 1", "Kill Bill Volume One", "Kill Bill, Volume I"],
        ["10,000 B.C.", "10000 BC"],
        ["Alien³", "Alien 3", "Alien III"],
        ["12 Monkeys", "Twelve Monkeys"],
        ["Malcolm X", "malcolm x"],
        ["Star Trek V: The Final Frontier", "Star Trek 5 - The Final Frontier"],
    ],
)
def test_spellings_of_one_title_are_equal(spellings: list[str]) -> None:
    assert len({normalise_title(text) for text in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Toy Story", "Toy Story 2"),
        ("Rocky II", "Rocky III"),
        ("Alien", "Aliens"),
        ("Final Destination", "Final Destination 3"),
        ("X-Men", "X2"),
        ("Se7en", "Seven Pounds"),
        ("I, Robot", "2 Robot"),
        ("V for Vendetta", "5 for Vendetta"),
    ],
)
def test_different_titles_stay_different(one: str, other: str) -> None:
    assert normalise_title(one) != normalise_title(other)


def test_only_five_pairs_of_films_share_a_normal_form() -> None:
    forms: dict[str, list[str]] = {}
    for title in films().titles:
        forms.setdefault(normalise_title(title), []).append(title)
    assert {form for form, titles in forms.items() if len(titles) > 1} == {
        "final destination",
        "halloween 2",
        "king kong",
        "lolita",
        "planet of the apes",
    }


@given(st.text())
def test_any_text_has_a_normal_form_of_bounded_length(text: str) -> None:
    form = normalise_title(text)
    assert form == " ".join(form.split())
    long = text * (1 + 2 * MAX_TITLE)
    assert normalise_title(long) == normalise_title(long[:MAX_TITLE])


@given(st.sampled_from(films().titles))
def test_case_and_space_never_matter(title: str) -> None:
    assert normalise_title(f"  {title.upper()} ") == normalise_title(title)
    assert normalise_title(title.replace(" ", "  ").lower()) == normalise_title(title)


def test_punctuation_alone_is_kept() -> None:
    assert normalise_title("???") == "???"
    assert normalise_title("") == ""
    assert normalise_title("The") == "the"
    assert normalise_title("東京物語") == "東京物語"


def test_years_are_split_off() -> None:
    assert split_year("Lolita (1962)") == ("Lolita", 1962)
    assert split_year("Lolita [1962, UK]") == ("Lolita", 1962)
    assert split_year("Fantasia 2000") == ("Fantasia 2000", None)
    assert split_year("(1999)") == ("(1999)", None)
    assert split_year("Area (51)") == ("Area (51)", None)


def test_numbers_are_words_with_digits() -> None:
    assert numbers_in("naked gun 33 1 3") == ["1", "3", "33"]
    assert numbers_in("halloween h2o") == ["h2o"]
    assert numbers_in("toy story") == []
