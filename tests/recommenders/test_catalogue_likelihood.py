"""The likelihood recommender ranks by what its variant says, and its scores are the model's."""

from __future__ import annotations

import numpy as np
import pytest

from fairrec.audits import SensitivityAudit
from fairrec.catalogs import Catalog, films
from fairrec.errors import WrongUse
from fairrec.language_models import ScriptedModel, load_language_model
from fairrec.prompts import TEMPLATES, attribute
from fairrec.protocols import Prompt, ReadsText, Recommender, ScoresItems
from fairrec.recommenders import CatalogueLikelihood, OpenGeneration
from fairrec.running import run_audit
from fairrec.types import Outcome, Request

CATALOG = Catalog(("a", "b", "c"), ("One", "Two Words", "Three Short Words"))
LOGPROBS = {" One": -3.0, " Two Words": -4.0, " Three Short Words": -6.0}
PRIORS = {" One": -1.0, " Two Words": -4.5, " Three Short Words": -9.0}


def scripted() -> ScriptedModel:
    def logprob(prompt: Prompt, text: str) -> float:
        return (PRIORS if prompt.user == "Anything?" else LOGPROBS)[text]

    return ScriptedModel(lambda prompt, seed: "", logprob, {"name": "script"})


@pytest.mark.parametrize(
    ("variant", "scores"),
    [
        ("raw", {"a": -3.0, "b": -4.0, "c": -6.0}),
        ("per_token", {"a": -3.0, "b": -2.0, "c": -2.0}),
        ("prior_corrected", {"a": -2.0, "b": 0.5, "c": 3.0}),
    ],
)
def test_each_variant_is_what_it_says(variant: str, scores: dict[str, float]) -> None:
    recommender = CatalogueLikelihood(
        scripted(), CATALOG, variant=variant, empty_profile="Anything?"
    )
    (ranking,) = recommender.recommend([Request(3, "Please.")])
    assert dict(zip(ranking.items, ranking.scores or (), strict=True)) == pytest.approx(scores)
    assert list(ranking.scores or ()) == sorted(scores.values(), reverse=True)


def test_candidates_narrow_the_choice_and_requests_keep_their_order() -> None:
    recommender = CatalogueLikelihood(scripted(), CATALOG, variant="raw")
    asked = [
        Request(1, "x", candidates=("c", "b")),
        Request(2, "y"),
        Request(2, "z", candidates=("c", "b")),
    ]
    assert [r.items for r in recommender.recommend(asked)] == [("b",), ("a", "b"), ("b", "c")]


def test_it_has_the_capabilities_it_should() -> None:
    recommender = CatalogueLikelihood(scripted(), CATALOG)
    for capability in (Recommender, ReadsText, ScoresItems):
        assert isinstance(recommender, capability)
    changed = CatalogueLikelihood(scripted(), CATALOG, variant="raw").description
    assert recommender.description != changed


def test_wrong_use() -> None:
    with pytest.raises(WrongUse, match="'cooked' is unknown"):
        CatalogueLikelihood(scripted(), CATALOG, variant="cooked")  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="there are 3 candidates"):
        CatalogueLikelihood(scripted(), CATALOG).recommend([Request(4, "x")])


@pytest.mark.parametrize(
    ("candidates", "seen"),
    [((), "there are 0 candidates"), (("a", "b", "a"), "1 of the 3"), (("z", "a"), "the id 'z'")],
)
def test_candidates_that_cannot_be_ranked(candidates: tuple[str, ...], seen: str) -> None:
    """No candidates is not the whole catalogue, and a repeat would be recommended twice."""
    with pytest.raises(WrongUse, match=seen):
        CatalogueLikelihood(scripted(), CATALOG).recommend([Request(1, "x", candidates=candidates)])


@pytest.mark.model
def test_a_small_audit_of_the_real_model() -> None:
    """Both ways to recommend, whole: planned, asked, judged; the repeat is exactly the same."""
    model, catalog = load_language_model("default"), films()
    topics = ("Tim Burton", "Spike Lee")
    pool = dict.fromkeys(topics, catalog.ids[::200])
    audit = SensitivityAudit(
        topics, [attribute("physics")], TEMPLATES["movie"], k=5, candidates=pool, draws=200
    )
    result = run_audit(audit, CatalogueLikelihood(model, catalog))
    repeat = result.finding("sensitivity.neutral.jaccard.repeat").estimate
    assert repeat.value == 1.0
    stated = [row.measures["rbo"] for row in result.observations if row.attribute]
    assert np.isfinite(np.array(stated, dtype=float)).all() and min(stated) < 1.0

    audit = SensitivityAudit(topics, [attribute("physics")], TEMPLATES["movie"], k=5, draws=200)
    recommender = OpenGeneration(model, catalog)
    result = run_audit(audit, recommender)
    asked = sum(group.asked for group in result.validity)
    assert asked == sum(sum(group.outcomes.values()) for group in result.validity) == 6
    repeats = [row for row in result.observations if row.attribute is None]
    for row in repeats:
        assert row.outcome is not Outcome.ANSWERED or row.measures["jaccard"] == 1.0
