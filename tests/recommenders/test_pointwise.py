"""Yes or no, ratings and gaps: scores are what the model says, and histories fit its context."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from adapter_world import CATALOG, POOL, Chooser, asked, writes
from hypothesis import given
from hypothesis import strategies as st

from fairrec.catalogs import Catalog
from fairrec.errors import BackendFailed, WrongUse
from fairrec.protocols import Prompt, ScoresItems
from fairrec.recommenders import Cloze, ClozeTemplate, RatingPrediction, YesNo
from fairrec.recommenders.answers.ratings import parse_rating
from fairrec.recommenders.fitting import fit_histories, without_oldest
from fairrec.types import Outcome

LIKED = {"Jaws": 0.9, "Up": 0.2, "Casino": 0.6, "Big": 0.4, "Speed": 0.5}


def says_yes(prompt: Prompt, choice: str) -> float:
    title = prompt.user.rsplit('"', 2)[1]
    return math.log(LIKED[title] if choice == "Yes" else 1 - LIKED[title])


def test_yes_no_is_the_log_odds() -> None:
    recommender = YesNo(Chooser(says_yes), CATALOG)
    (ranking,) = recommender.recommend([asked(k=5)])
    assert ranking.items == ("i2", "i4", "i6", "i5", "i3")
    odds = [math.log(p / (1 - p)) for p in (0.9, 0.6, 0.5, 0.4, 0.2)]
    assert ranking.scores == pytest.approx(odds)
    assert isinstance(recommender, ScoresItems)


def test_a_choice_that_the_server_does_not_name_makes_no_list() -> None:
    def some(prompt: Prompt, choice: str) -> float:
        return math.nan if "Up" in prompt.user and choice == "No" else says_yes(prompt, choice)

    (ranking,) = YesNo(Chooser(some), CATALOG).recommend([asked()])
    assert ranking.outcome is Outcome.UNPARSABLE
    assert ranking.detail == "1 of 5 candidates could not be scored"


def test_the_expected_rating_is_weighted_by_the_digits() -> None:
    def digits(prompt: Prompt, choice: str) -> float:
        return math.log({"1": 0.1, "2": 0.1, "3": 0.2, "4": 0.2, "5": 0.4}[choice]) - 3

    (scores,) = RatingPrediction(Chooser(digits), CATALOG).score([asked()], POOL)
    assert scores == pytest.approx([3.7] * 5)


def test_digits_that_are_not_named_weigh_nothing() -> None:
    def digits(prompt: Prompt, choice: str) -> float:
        return math.log(0.5) if choice in "45" else math.nan

    def none(prompt: Prompt, choice: str) -> float:
        return math.nan

    (scores,) = RatingPrediction(Chooser(digits), CATALOG).score([asked()], POOL)
    assert scores == pytest.approx([4.5] * 5)
    (ranking,) = RatingPrediction(Chooser(none), CATALOG).recommend([asked()])
    assert ranking.outcome is Outcome.UNPARSABLE


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("3.85", 3.85),
        ("4/5", 4),
        ("8/10", 4),
        ("8 out of 10", 4),
        ("four stars", 4),
        ("Four and a half stars!", 4.5),
        ("★★★★☆", 4),
        ("★★★½", 3.5),
        ("I would rate it 4,5.", 4.5),
        ("80%", 4),
        ("Rating: 4", 4),
        ("On a scale of 1 to 5, I'd say 4.", 4),
        ("7", None),
        ("-3", None),
        ("1995 was a good year", None),
        ("no idea", None),
        ("", None),
    ],
)
def test_ratings_in_words(text: str, rating: float | None) -> None:
    assert parse_rating(text) == (None if rating is None else pytest.approx(rating))


@given(st.text(max_size=200))
def test_a_rating_is_on_its_scale(text: str) -> None:
    rating = parse_rating(text, 1, 5)
    assert rating is None or 1 <= rating <= 5


def test_ratings_that_a_model_writes() -> None:
    def rates(prompt: Prompt) -> str:
        return f"I'd give it {1 + 4 * LIKED[prompt.user.rsplit(chr(34), 2)[1]]:.2f}."

    (ranking,) = RatingPrediction(writes(rates), CATALOG, reading="text").recommend([asked()])
    assert ranking.items == ("i2", "i4", "i6") and ranking.scores == (4.6, 3.4, 3.0)


class Filler:
    """A masked model that answers by the title."""

    description = {"name": "filler"}  # noqa: RUF012

    def mask_logprobs(self, texts: Sequence[str], words: Sequence[str]) -> np.ndarray:
        assert all(text.count("[MASK]") == 1 and "liked these" in text for text in texts)
        liked = [next(p for t, p in LIKED.items() if t in text.split(".")[-2]) for text in texts]
        return np.array(
            [[math.log(p / 2 if w in ("yes", "sure") else 1 - p) for w in words] for p in liked]
        )


def test_a_gap_is_filled_by_templates_together() -> None:
    templates = (
        ClozeTemplate("Would I like {title}? [MASK].", ("yes", "sure"), ("no",)),
        ClozeTemplate("Is {title} bad? [MASK].", ("no",), ("yes", "sure")),
    )
    (first,) = Cloze(Filler(), CATALOG, templates=templates[:1]).score([asked()], POOL)
    odds = [math.log(p / (1 - p)) for p in LIKED.values()]
    assert first == pytest.approx(odds)
    (both,) = Cloze(Filler(), CATALOG, templates=templates).score([asked()], POOL)
    assert both == pytest.approx([0.0] * 5)


def test_the_oldest_titles_go_first_and_alike_for_all_arms() -> None:
    """The prompts differ in length by arm; what is left of the history does not."""
    long = "I am a woman who has seen a good many things in life."
    words = len(asked().instruction.split()) + 9
    model = Chooser(says_yes, context_length=words + 17)
    histories = tuple(f"i{n}" for n in (7, 8, 0, 1))
    shown = "I have watched and liked these movies: Fargo; Rocky; Heat; Alien."
    arms = [
        asked(instruction=f"{said} {shown}", history=histories) for said in ("I am a man.", long)
    ]
    ranked = YesNo(model, CATALOG).recommend(arms)
    details = {ranking.detail for ranking in ranked}
    assert len(details) == 1 and "of 4 titles of the history did not fit" in details.pop()
    assert len({prompt.user.split("movies: ")[1] for prompt in model.seen}) == len(POOL)


def test_a_prompt_that_never_fits_is_an_error_of_its_own() -> None:
    model = Chooser(says_yes, context_length=10)
    (ranking,) = YesNo(model, CATALOG).recommend([asked()])
    assert ranking.outcome is Outcome.ERROR and "longer than the 2 tokens" in ranking.detail
    assert not model.seen


@given(st.integers(0, 6), st.integers(0, 60))
def test_histories_are_cut_no_further_than_they_must(n: int, limit: int) -> None:
    request = asked(
        instruction="I liked: " + "; ".join(CATALOG.titles[:n]) + ".", history=CATALOG.ids[:n]
    )
    model = Chooser(says_yes, context_length=limit)
    (one,) = fit_histories(model, CATALOG, [request], lambda r: [Prompt(r.instruction)], room=0)
    dropped = n - len(one.request.history)
    longer = without_oldest(request, dropped - 1, CATALOG) if dropped > 1 else request
    if one.fits:
        assert model.count_tokens(Prompt(one.request.instruction)) <= limit
        assert not dropped or model.count_tokens(Prompt(longer.instruction)) > limit
    else:
        assert (
            model.count_tokens(Prompt(without_oldest(request, n - 1, CATALOG).instruction)) > limit
        )


def test_braces_and_line_ends_in_titles_are_left_alone() -> None:
    catalog = Catalog(("a", "b"), ("{title} {k}", "Two\nlines"))
    request = asked(instruction="Hi.", history=(), candidates=("a", "b"))
    model = Chooser(lambda prompt, choice: -1.0)
    YesNo(model, catalog).score([request], ("a", "b"))
    assert [p.user.rsplit('"', 2)[1] for p in model.seen] == ["{title} {k}", "Two lines"]


def test_wrong_use() -> None:
    with pytest.raises(WrongUse, match="does not say how likely Yes and No are"):
        YesNo(writes(""), CATALOG)
    with pytest.raises(WrongUse, match="the reading 'head'"):
        RatingPrediction(writes(""), CATALOG, reading="head")
    with pytest.raises(WrongUse, match="does not fill gaps"):
        Cloze(writes(""), CATALOG)  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="does not name a candidate"):
        YesNo(Chooser(says_yes), CATALOG, question="Yes or No?")


def test_a_back_end_that_fails_costs_one_request() -> None:
    def fails_at_times(prompt: Prompt, choice: str) -> float:
        if "a man" in prompt.user:
            raise BackendFailed("lost")
        return says_yes(prompt, choice)

    woman, man = YesNo(Chooser(fails_at_times), CATALOG).recommend([asked(), asked("I am a man.")])
    assert woman.items == ("i2", "i4", "i6")
    assert man.outcome is Outcome.ERROR and man.detail == "lost"
