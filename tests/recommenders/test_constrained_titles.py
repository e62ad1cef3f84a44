"""Beam search over titles: with room for all it is exact, and it is never a prefix walk."""

from __future__ import annotations

import pytest

from fairrec.catalogs import Catalog
from fairrec.errors import WrongUse
from fairrec.language_models import demo_model
from fairrec.recommenders import CatalogueLikelihood, ConstrainedTitles
from fairrec.types import Request

# Shared beginnings, a title that begins another, and two of one name.
TITLES = ("Film 1", "Film 2", "Film 2 3", "Film", "What next ?", "I saw a man", "Film 2", "man")
CATALOG = Catalog(tuple("abcdefgh"), TITLES)
REQUESTS = [
    Request(8, f"I am a {who} . I saw Film {n} .") for who in ("woman", "man") for n in (1, 7)
]


@pytest.mark.parametrize(("prior", "variant"), [(1.0, "prior_corrected"), (0.0, "raw")])
def test_with_beams_for_all_it_is_the_likelihood(word_model, prior: float, variant: str) -> None:
    told = {"prefill": "1", "empty_profile": "What next ?"}
    exact = CatalogueLikelihood(word_model, CATALOG, variant=variant, **told)  # type: ignore[arg-type]
    beams = ConstrainedTitles(word_model, CATALOG, beams=50, prior=prior, **told)
    for wanted, found in zip(exact.recommend(REQUESTS), beams.recommend(REQUESTS), strict=True):
        expected = dict(zip(wanted.items, wanted.scores or (), strict=True))
        assert dict(zip(found.items, found.scores or (), strict=True)) == pytest.approx(
            expected, abs=1e-4
        )
        assert list(found.scores or ()) == sorted(found.scores or (), reverse=True)


def test_length_normalisation_is_the_mean_per_token(word_model) -> None:
    told = {"prefill": "1", "empty_profile": "What next ?"}
    exact = CatalogueLikelihood(word_model, CATALOG, variant="per_token", **told)
    beams = ConstrainedTitles(word_model, CATALOG, beams=50, prior=0.0, length_penalty=1.0, **told)
    wanted, found = exact.recommend(REQUESTS[:1])[0], beams.recommend(REQUESTS[:1])[0]
    expected = dict(zip(wanted.items, wanted.scores or (), strict=True))
    scores = dict(zip(found.items, found.scores or (), strict=True))
    assert scores == pytest.approx(expected, abs=1e-4)


def test_few_beams_still_give_k_titles_of_the_candidates(word_model) -> None:
    beams = ConstrainedTitles(word_model, CATALOG, beams=1, prefill="1")
    request = Request(3, "I am a man .", candidates=("a", "c", "e", "f", "h"))
    (ranking,) = beams.recommend([request])
    assert len(ranking.items) == 3 and set(ranking.items) <= set("acefh")


def test_wrong_use(word_model) -> None:
    with pytest.raises(WrongUse, match="ScriptedModel does not show"):
        ConstrainedTitles(demo_model(), CATALOG)  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="prior 2"):
        ConstrainedTitles(word_model, CATALOG, prior=2)
