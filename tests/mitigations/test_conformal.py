"""Coverage that holds by group, on samples as small as can be, and answers asked for again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from fairrec import as_recommender
from fairrec.catalogs import Catalog
from fairrec.errors import BadData, RunBroken, WrongUse
from fairrec.mitigations.conformal import ConformalFairness
from fairrec.mitigations.conformal_coverage import clopper_pearson, conformal_threshold
from fairrec.mitigations.mitigation import Mitigation, RewritesRequests
from fairrec.protocols import Mitigates, Recommender
from fairrec.seeds import generator
from fairrec.types import Outcome, Ranking, Request, content_hash

K = 10
CATALOG = Catalog(tuple(f"i{n:02}" for n in range(40)), tuple(f"Film {n:02}" for n in range(40)))
CHANGES = {"female": (0, 1, 2, 3), "male": (2, 4, 6, 8)}
"""Of how many items a list is changed by the stated gender, each as likely."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Unstated(RewritesRequests):
    """Leaves the profile out."""

    name: ClassVar[str] = "unstated"

    def expand(self, request: Request) -> list[Request]:
        words = request.instruction.replace(f"I am {request.profile.get('gender')}. ", "")
        return [replace(request, profile={}, instruction=words)]


def request_of(user: str, gender: str = "") -> Request:
    return Request(
        k=K,
        instruction=f"{f'I am {gender}. ' if gender else ''}Name {K} films.",
        profile={"gender": gender} if gender else {},
        slots={"user": user},
    )


def answer(request: Request) -> list[str]:
    """Change some items for a stated gender; of every other user fewer, when asked again."""
    user = request.slots["user"]
    neutral = list(CATALOG.ids[:K])
    if not request.profile:
        return neutral
    rng = generator(0, user)
    changed = int(rng.choice(CHANGES[request.profile["gender"]]))
    if "dissimilarity" in request.slots and int(user) % 2 == 0:
        changed = 1
    return neutral[: K - changed] + list(CATALOG.ids[K : K + changed])


MODEL = as_recommender(answer, name="stereotyped", catalog=CATALOG)


def conformal(alpha: float = 0.25, **more: object) -> ConformalFairness:
    known = {"catalog": CATALOG, "attribute": "gender", "counterfactual": Unstated()}
    return ConformalFairness(alpha=alpha, **{**known, **more})  # type: ignore[arg-type]


def people(numbers: range) -> list[Request]:
    return [request_of(str(n), ("female", "male")[n % 4 < 2]) for n in numbers]


@given(
    st.lists(st.floats(0, 1), max_size=60),
    st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 0.9]),
)
@settings(deadline=None, max_examples=100)
def test_the_threshold_is_the_smallest_value_with_enough_below(
    values: list[float], alpha: float
) -> None:
    """By counting: at least (n + 1) (1 - alpha) of the n values are at or below it."""
    found = conformal_threshold(values, alpha)
    # 1e-9 for the rounding of the line below.
    enough = [
        x for x in values if sum(v <= x for v in values) >= (len(values) + 1) * (1 - alpha) - 1e-9
    ]
    assert found == min(enough, default=math.inf)


def test_ranks_are_exact_where_floats_are_not() -> None:
    for n, alpha, rank in ((9, 0.1, 9), (19, 0.05, 19), (99, 0.01, 99), (29, 0.7, 9), (9, 0.7, 3)):
        assert conformal_threshold(np.arange(1, n + 1), alpha) == rank
    assert conformal_threshold(np.arange(8), 0.1) == math.inf
    assert conformal_threshold([], 0.5) == conformal_threshold(np.arange(99), 0.0) == math.inf
    with pytest.raises(WrongUse):
        conformal_threshold([0.5], 1.0)


@pytest.mark.parametrize(("n", "alpha"), [(9, 0.1), (20, 0.1), (7, 0.25), (50, 0.05)])
def test_coverage_by_group_on_exchangeable_data(n: int, alpha: float) -> None:
    """Continuous values: coverage lies in [1 - alpha, 1 - alpha + 1 / (n + 1)], in every group.

    4,000 draws of calibration set and request; 4 standard errors.
    """
    rng = np.random.default_rng(1)
    for shape in ((1.0, 9.0), (2.0, 2.0), (8.0, 1.0)):  # three groups, treated very differently
        drawn = rng.beta(*shape, size=(4_000, n + 1))
        covered = np.mean([row[-1] <= conformal_threshold(row[:-1], alpha) for row in drawn])
        error = 4 * math.sqrt(alpha * (1 - alpha) / 4_000)
        assert 1 - alpha - error <= covered <= 1 - alpha + 1 / (n + 1) + error


def test_one_threshold_for_all_would_fail_the_worse_treated_group() -> None:
    """Why thresholds are by group: pooled, the group treated worst is covered far below."""
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(500):
        mild, bad = rng.beta(1, 9, 40), rng.beta(8, 1, 10)
        covered.append(rng.beta(8, 1) <= conformal_threshold([*mild, *bad], 0.1))
    assert np.mean(covered) < 0.7


def test_coverage_holds_through_the_whole_class() -> None:
    """Fitted and measured on recommendations of other users, over and over, by group."""
    covered: dict[str, list[float]] = {"female": [], "male": []}
    for trial in range(60):
        start = trial * 60
        fitted = conformal().fit(MODEL, people(range(start, start + 40)))
        for found in fitted.coverage(MODEL, people(range(start + 40, start + 60))):
            assert found.covered is not None and found.covered_finally is not None
            assert found.covered_finally >= found.covered
            covered[found.group].append(found.covered)
    for shares in covered.values():
        error = 4 * np.std(shares) / math.sqrt(len(shares))
        assert np.mean(shares) >= 0.75 - error


def test_thresholds_are_those_of_the_dissimilarities() -> None:
    requests = people(range(39))
    fitted = conformal().fit(MODEL, requests)
    for group in ("female", "male"):
        own = [r for r in requests if r.profile["gender"] == group]
        # Of two lists of 10 that differ in c items: 1 - (10 - c) / (10 + c).
        changed = [K - len({*answer(r)} & {*CATALOG.ids[:K]}) for r in own]
        apart = sorted(1 - (K - c) / (K + c) for c in changed)
        rank = math.ceil((len(own) + 1) * 0.75)
        assert fitted.thresholds[group] == pytest.approx(apart[rank - 1])
        assert fitted.calibrated_on[group] == len(own)
    assert fitted.warnings == ()
    assert fitted.description["thresholds"] == fitted.thresholds
    assert fitted.description["counterfactual"]["mitigation"] == "unstated"
    content_hash(fitted.wrap(MODEL).description)


def test_asking_again_changes_the_answer() -> None:
    asked: list[Request] = []

    def watched(request: Request) -> list[str]:
        asked.append(request)
        return answer(request)

    model = as_recommender(watched, name="watched", catalog=CATALOG)
    fitted = conformal(thresholds={"female": 0.2, "male": 0.2})
    requests = people(range(40))
    found = fitted.wrap(model).recommend(requests)
    firsts = MODEL.recommend(requests)
    violators = [
        place
        for place, first in enumerate(firsts)
        if 1 - len({*first.items} & {*CATALOG.ids[:K]}) / len({*first.items, *CATALOG.ids[:K]})
        > 0.2
    ]
    again = [request for request in asked if "dissimilarity" in request.slots]
    assert 5 < len(violators) == len(again) < 35
    assert len(asked) == 40 + 40 + len(again)
    for place, (first, answered) in enumerate(zip(firsts, found, strict=True)):
        if place not in violators:
            assert answered == first
        elif place % 2 == 0:
            assert answered.items == (*CATALOG.ids[:9], CATALOG.ids[K])
            assert "asked again, it is 0.1818" in answered.detail
        else:
            assert answered.items == first.items
            assert "the first answer stands" in answered.detail


def test_the_violation_is_described_with_titles_of_the_catalogue() -> None:
    request = request_of("0", "male")
    first, other = Ranking(("i01", "?<b>made up", "i02")), Ranking(("i01", "i03", "?other"))
    mitigation = conformal(thresholds={"male": 0.2})
    judged = mitigation.judgement(request, [first, other])
    assert judged.group == "male" and judged.dissimilarity == pytest.approx(0.8)
    again = mitigation.again(request, first, judged)
    assert again.instruction.startswith(request.instruction + "\n\n")
    assert "of the 3 items you named, 1 are" in again.instruction
    assert "because of it: Film 02. Left out because of it: Film 03. My gender" in again.instruction
    assert "made up" not in again.instruction
    assert again.slots == {"user": "0", "dissimilarity": "0.8000"}
    silent = mitigation.again(replace(request, instruction=""), first, judged)
    assert silent.instruction == "" and "dissimilarity" in silent.slots
    texts = {
        language: conformal(language=language).again(request, first, judged).instruction
        for language in ("en", "de", "es", "zh")
    }
    assert len(set(texts.values())) == 4
    assert all("Film 02" in text and "{" not in text for text in texts.values())


def test_small_groups_get_no_threshold_and_this_is_said() -> None:
    requests = [request_of("0", "female"), *[request_of(str(n), "male") for n in range(9)]]
    fitted = conformal(0.1).fit(MODEL, requests)
    assert fitted.thresholds["female"] is None and fitted.thresholds["male"] is not None
    assert fitted.warnings == (
        "gender = 'female': 1 calibration requests are too few for alpha = 0.1; nothing is asked "
        "again.",
    )
    assert fitted.expand(requests[0]) == [requests[0]]
    (female, _) = fitted.coverage(MODEL, requests)
    assert (female.threshold, female.n, female.unjudged, female.covered) == (None, 0, 1, None)


def test_alpha_0_is_the_identity() -> None:
    requests = people(range(30))
    fitted = conformal(0.0).fit(MODEL, requests)
    assert fitted.wrap(MODEL).recommend(requests) == MODEL.recommend(requests)
    assert all(fitted.expand(request) == [request] for request in requests)


def test_what_states_nothing_or_is_not_answered_is_never_asked_again() -> None:
    fitted = conformal(thresholds={"male": 0.0})
    silent = request_of("0")
    assert fitted.wrap(MODEL).recommend([silent]) == MODEL.recommend([silent])

    def refuses(request: Request) -> Ranking:
        if request.profile:
            return Ranking(outcome=Outcome.REFUSED, detail="no")
        return Ranking(("i00",))

    refused = as_recommender(refuses, name="refuses")
    male = request_of("0", "male")
    (found,) = fitted.wrap(refused).recommend([male])
    assert found == Ranking(outcome=Outcome.REFUSED, detail="no")
    (group,) = fitted.coverage(refused, [male, silent])
    assert (group.n, group.unjudged, group.asked_again) == (0, 1, 0)


def test_a_second_answer_that_is_missing_leaves_the_first() -> None:
    def once(request: Request) -> list[str] | None:
        return None if "dissimilarity" in request.slots else answer(request)

    model = as_recommender(once, name="once", catalog=CATALOG)
    requests = people(range(12))
    found = conformal(thresholds={"male": 0.0, "female": 0.0}).wrap(model).recommend(requests)
    assert [r.items for r in found] == [r.items for r in MODEL.recommend(requests)]


def test_every_counterfactual_counts() -> None:
    """The furthest of several; and a second answer must be nearer to the furthest of all."""
    mitigation = conformal(thresholds={"male": 0.1}, similarity="rbo")
    request = request_of("0", "male")
    first, near, far = Ranking(("a", "b")), Ranking(("a", "b")), Ranking(("b", "c"))
    judged = mitigation.judgement(request, [first, near, far])
    assert judged.counterfactual == far and 0 < judged.dissimilarity < 1
    kept, _ = mitigation.settled(request, [first, near, far], Ranking(("x", "y")))
    assert kept.items == first.items
    nearer, anew = mitigation.settled(request, [first, near, far], Ranking(("b", "a")))
    assert nearer.items == ("b", "a") and anew.dissimilarity < judged.dissimilarity


def test_recorded_answers_are_judged_without_asking() -> None:
    requests = people(range(20))
    fitted = conformal(thresholds={"male": 0.3, "female": 0.3})
    answers = [MODEL.recommend(fitted.expand(request)) for request in requests]
    found = fitted.combine(requests, answers)
    marked = ["is above the threshold" in ranking.detail for ranking in found]
    assert [r.items for r in found] == [a[0].items for a in answers]
    settled = fitted.wrap(MODEL).settle(requests)
    assert marked == [one.asked_again for one in settled] and any(marked) and not all(marked)


def test_limits_are_clopper_and_pearsons() -> None:
    for successes, n in ((0, 5), (5, 5), (3, 7), (90, 100)):
        for level in (0.9, 0.95):
            expected = binomtest(successes, n).proportion_ci(level, method="exact")
            assert clopper_pearson(successes, n, level) == pytest.approx(tuple(expected))


class _Breaks(Mitigation):
    name: ClassVar[str] = "breaks"

    def expand(self, request: Request) -> list[Request]:
        raise KeyError("no words")


def test_the_fail_policy() -> None:
    broken = conformal(thresholds={"male": 0.0, "female": 0.0}, counterfactual=_Breaks())
    requests: Sequence[Request] = people(range(3))
    with pytest.raises(RunBroken, match="no words"):
        broken.wrap(MODEL).recommend(requests)
    kept = broken.wrap(MODEL, on_error="original")
    assert kept.recommend(requests) == MODEL.recommend(requests)
    assert kept.recommend([]) == []


def test_it_is_a_recommender_whose_own_answers_are_recorded() -> None:
    wrapped = conformal(thresholds={"male": 0.1}).wrap(MODEL)
    assert isinstance(wrapped, Recommender) and not isinstance(wrapped, Mitigates)


def test_wrong_use_is_said() -> None:
    for wrong in (
        {"alpha": 1.0},
        {"alpha": -0.1},
        {"similarity": "dice"},
        {"persistence": 1.0},
        {"language": "tlh"},
    ):
        with pytest.raises(WrongUse):
            conformal(**wrong)  # type: ignore[arg-type]
    for use in (lambda: conformal().wrap(MODEL), lambda: conformal().expand(request_of("0"))):
        with pytest.raises(WrongUse, match="no thresholds yet"):
            use()
    with pytest.raises(BadData, match="none of the 1 calibration requests states 'gender'"):
        conformal().fit(MODEL, [request_of("0")])
    with pytest.raises(WrongUse, match="the level is 1"):
        conformal(thresholds={"male": 0.1}).coverage(MODEL, people(range(3)), 1.0)
