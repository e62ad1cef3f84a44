"""Pairs of lists: what became of each item, and where two prompts differ."""

from __future__ import annotations

from example_result import example_result
from hypothesis import given
from hypothesis import strategies as st

from fairrec.reports.pairs import movements, prompt_difference, worst_pairs

lists = st.lists(st.sampled_from("abcdefgh"), unique=True).map(tuple)


def test_movements_of_a_known_pair():
    neutral, sensitive = movements(("a", "b", "c", "d"), ("a", "d", "b", "e"))
    assert neutral == [("same", "same place"), ("down", "down 1"), ("dropped", "dropped"),
                       ("up", "up 2")]  # fmt: skip
    assert sensitive == [("same", "same place"), ("up", "up 2"), ("down", "down 1"),
                         ("new", "new")]  # fmt: skip


@given(lists, lists)
def test_movements_agree_on_both_sides(neutral, sensitive):
    left, right = (
        dict(zip(items, moved, strict=True))
        for items, moved in zip((neutral, sensitive), movements(neutral, sensitive), strict=True)
    )
    for item in set(neutral) & set(sensitive):
        assert left[item] == right[item]
    assert {i for i, (kind, _) in left.items() if kind == "dropped"} == {*neutral} - {*sensitive}
    assert {i for i, (kind, _) in right.items() if kind == "new"} == {*sensitive} - {*neutral}


@given(st.text(max_size=40), st.text(max_size=40))
def test_prompt_pieces_make_the_whole_prompts(neutral, sensitive):
    left, right = prompt_difference(neutral, sensitive)
    assert "".join(piece for piece, _ in left) == neutral
    assert "".join(piece for piece, _ in right) == sensitive
    same = ["".join("".join(p for p, differs in side if not differs).split())
            for side in (left, right)]  # fmt: skip
    assert same[0] == same[1]


def test_only_the_stated_words_are_marked():
    left, right = prompt_difference("I am a fan of X.", "I am an African American fan of X.")
    assert [piece for piece, differs in left if differs] == ["a"]
    assert [piece for piece, differs in right if differs] == ["an African American"]


def test_no_pair_is_shown_twice_and_the_worst_attribute_leads():
    result = example_result(gates=("sensitivity.*.snsr <= 0.1",))
    shown = worst_pairs(result, 3)
    assert shown[0][0] == "race"
    assert len(shown) == 8
    for _, pairs in shown:
        assert len(pairs) == 3
        assert len({(pair.cluster, pair.value) for pair in pairs}) == 3
