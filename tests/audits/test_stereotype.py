"""The stereotype audit finds which groups of items go to whom, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest

from fairrec.audits.stereotype import StereotypeAudit
from fairrec.audits.stereotype_groups import ListedGroups
from fairrec.errors import BadData, WrongUse
from fairrec.evidence.shares import null_means, presence_p_values
from fairrec.gates import parse_gate
from fairrec.metrics.divergence import jensen_shannon
from fairrec.prompts import TEMPLATES, attribute, custom_attribute
from fairrec.recommenders import as_recommender
from fairrec.results import AuditResult, Verdict
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.serialization import from_json, to_json
from fairrec.types import Answer, Arm, Outcome, Probe, Ranking, Request

ITEMS = tuple(f"m{i}" for i in range(80))
GENRES = {
    item: ("Romance", "Action", "Drama|Comedy", "Sci Fi")[i % 4] for i, item in enumerate(ITEMS)
}
SEXES = custom_attribute("gender", {"female": "a female", "male": "a male"})


def audit(**changes: object) -> StereotypeAudit:
    one = StereotypeAudit(
        topics=tuple(f"Topic {i}" for i in range(30)),
        attributes=[SEXES],
        template=TEMPLATES["movie"],
        groups=GENRES,
        column="genre",
        k=10,
        draws=999,
    )
    return replace(one, **changes)


def tilted(more: float, seed: int = 0):
    """Items drawn by chance; who states female gets romances `more` times as often."""

    def recommend(request: Request) -> list[str]:
        value = request.profile.get("gender", "")
        weights = np.array([more if value == "female" and i % 4 == 0 else 1.0 for i in range(80)])
        rng = generator(seed, request.slots["name"], *request.profile.values())
        return rng.choice(ITEMS, request.k, replace=False, p=weights / weights.sum()).tolist()

    return as_recommender(recommend, name=f"tilted {more} {seed}")


def test_a_planted_stereotype_is_found_and_named() -> None:
    result = run_audit(audit(), tilted(4.0))
    found = result.finding("stereotype.gender.genre.jsd")
    assert found.p_adjusted is not None and found.p_adjusted < 0.01
    assert found.estimate.low is not None and found.estimate.low > 0
    assert found.noise_floor is not None and found.noise_floor < found.estimate.value / 3
    romance = result.finding("stereotype.gender.female.genre:Romance.log_odds")
    assert romance.estimate.low is not None and romance.estimate.low > 0
    assert romance.q_value is not None and romance.q_value < 0.01
    male = result.finding("stereotype.gender.male.genre:Romance.log_odds")
    assert male.estimate.value == pytest.approx(-romance.estimate.value)
    share = result.finding("stereotype.gender.female.genre:Romance.share").estimate
    assert share.low is not None and share.low > 0.35 > 0.25
    others = [f for f in result.findings if f.metric == "genre:Sci Fi" and f.value == "female"]
    assert others[0].id.startswith("stereotype.gender.female.genre:Sci_Fi.")
    shown = [f for f in result.findings if f.metric.startswith("item:") and f.value == "female"]
    assert 0 < len(shown) <= 10
    assert shown[0].estimate.value > 0 > shown[-1].estimate.value


def test_shares_are_counted_by_hand() -> None:
    lists = {
        ("a", "female"): ("m0", "m2"),  # Romance, Drama|Comedy
        ("a", "male"): ("m1", "m1x", "?a tune", "m5"),  # Action, unknown, off catalogue, Action
        ("b", "female"): ("m0", "m4"),
        ("b", "male"): ("m0",),
    }
    setting = audit(topics=("a", "b"), draws=50)
    probes = setting.plan()
    answers = [Answer(p.id, Ranking(lists[p.cluster, p.value])) for p in probes]
    result = setting.judge(probes, answers)

    def share(value: str, group: str) -> float | None:
        return result.finding(f"stereotype.gender.{value}.genre:{group}.share").estimate.value

    assert share("female", "Romance") == pytest.approx((0.5 + 1) / 2)
    assert share("female", "Drama") == share("female", "Comedy") == pytest.approx(0.25 / 2)
    assert share("male", "Action") == pytest.approx(0.5 / 2)
    assert share("male", "unknown") == share("male", "off_catalogue") == pytest.approx(0.25 / 2)
    female, male = (
        [share(v, g) for g in ("Action", "Comedy", "Drama", "Romance", "unknown", "off_catalogue")]
        for v in ("female", "male")
    )
    jsd = result.finding("stereotype.gender.genre.jsd")
    assert jsd.estimate.value == pytest.approx(float(jensen_shannon([female, male])))
    # Exchanging both clusters at once changes nothing: two of the four permutations are as
    # extreme or more, the other two have the value of one exchange.
    one = np.array([[0, 0.25, 0.25, 0.5, 0, 0], [0.5, 0, 0, 0, 0.25, 0.25]])
    other = np.array([[0, 0, 0, 1, 0, 0], [0, 0, 0, 1, 0, 0]])
    null = [
        float(jensen_shannon((one[list(i)] + other[list(j)]) / 2))
        for i, j in product(permutations(range(2)), repeat=2)
    ]
    assert jsd.noise_floor == pytest.approx(np.mean(null))
    assert jsd.p_value == np.mean(np.array(null) >= jsd.estimate.value - 1e-9)
    assert result.finding("stereotype.gender.male.genre:Sci_Fi.log_odds").estimate.value is None
    assert any("has no known genre" in w for w in result.warnings) is False


def test_no_stereotype_is_not_found() -> None:
    p_values, least = [], []
    for seed in range(60):
        result = run_audit(audit(draws=199, most=2), tilted(1.0, seed))
        jsd = result.finding("stereotype.gender.genre.jsd")
        p_values.append(jsd.p_value)
        least.append(jsd.estimate.low)
        items = [f for f in result.findings if f.metric.startswith("item:")]
        assert min(f.q_value for f in items) > 0.001
    assert sum(p <= 0.05 for p in p_values) <= 8
    assert max(p_values) > 0.5
    assert sum(low > 0 for low in least) <= 6


def test_users_of_one_value_each_are_exchanged_with_each_other() -> None:
    """Grouped by what users are: every cluster has one value."""
    setting = audit()
    probes = [
        Probe(
            Request(k=4, slots={"user": f"u{i}"}),
            Arm.NEUTRAL,
            f"u{i}",
            "gender",
            ("female", "male")[i % 2],
        )
        for i in range(40)
    ]
    rng = np.random.default_rng(0)
    romances, others = ITEMS[::4], [i for i in ITEMS if GENRES[i] != "Romance"]
    answers = [
        Answer(
            p.id, Ranking(tuple(rng.choice(romances if p.value == "female" else others, 4, False)))
        )
        for p in probes
    ]
    result = setting.judge(probes, answers)
    jsd = result.finding("stereotype.gender.genre.jsd")
    assert jsd.estimate.value == pytest.approx(1.0)
    assert jsd.estimate.high == pytest.approx(1.0)
    assert jsd.p_value == pytest.approx(1 / 1000)
    assert jsd.estimate.unit == "user"
    assert any("No user has lists for two values" in w for w in result.warnings)


def test_missing_lists_are_counted_and_named() -> None:
    def recommend(request: Request) -> list[str] | Ranking:
        if request.profile["gender"] == "female" and request.slots["name"] in (
            "Topic 3",
            "Topic 9",
        ):
            return Ranking((), Outcome.REFUSED)
        return list(ITEMS[:10])

    result = run_audit(audit(), as_recommender(recommend, name="refusing"))
    assert any("gender: female (28 of 30)" in w for w in result.warnings)
    share = result.finding("stereotype.gender.female.genre:Romance.share").estimate
    assert (share.n, share.n_missing) == (28, 2)
    assert result.finding("stereotype.gender.genre.jsd").estimate.value == pytest.approx(
        0, abs=1e-12
    )
    assert result.finding("stereotype.gender.genre.jsd").p_value == 1.0
    refused = [o for o in result.observations if o.outcome is Outcome.REFUSED]
    assert len(refused) == 2 and set(refused[0].measures.values()) == {None}


def test_nothing_answered_for_one_value_is_no_comparison() -> None:
    def recommend(request: Request) -> list[str] | None:
        return None if request.profile["gender"] == "female" else list(ITEMS[:10])

    result = run_audit(
        audit(), as_recommender(recommend, name="silent"), gates=[parse_gate("*.jsd <= 0.1")]
    )
    jsd = result.finding("stereotype.gender.genre.jsd").estimate
    assert jsd.value is None and "fewer than two values" in jsd.reason
    share = result.finding("stereotype.gender.female.genre:Action.share").estimate
    assert share.value is None and "no topic has a list" in share.reason
    assert result.finding("stereotype.gender.male.genre:Action.share").estimate.value == 0.3
    assert result.verdict is Verdict.UNDECIDED


def test_a_gate_names_a_group_before_anything_is_asked() -> None:
    gates = [parse_gate("stereotype.gender.*.genre:Romance.log_odds in [-0.5, 0.5]")]
    assert run_audit(audit(), tilted(8.0), gates=gates).verdict is Verdict.FAIL
    with pytest.raises(WrongUse, match="names no finding"):
        run_audit(audit(), tilted(8.0), gates=[parse_gate("stereotype.*.genre:Noir.share <= 1")])


def test_other_probes_are_left_out_and_counted() -> None:
    setting = audit(topics=("a", "b"), attributes=[attribute("gender")], draws=50)
    probes = setting.plan()
    strange = replace(probes[0], value="a robot")
    placebo = replace(probes[0], arm=Arm.PLACEBO)
    neutral = replace(probes[0], arm=Arm.NEUTRAL, attribute=None, value=None)
    every = [*probes, strange, placebo, neutral]
    result = setting.judge(every, [Answer(p.id, Ranking(("m1",))) for p in every])
    assert any("2 probe(s) are left out" in w and "a robot" in w for w in result.warnings)
    assert len(result.observations) == len(probes)


def test_judging_again_gives_the_same_and_survives_json() -> None:
    setting = audit(draws=99)
    probes = setting.plan()
    recommender = tilted(2.0)
    answers = [Answer(p.id, recommender.recommend([p.request])[0]) for p in probes]
    result = setting.judge(probes, answers)
    assert result == setting.judge(probes, answers[::-1])
    assert from_json(AuditResult, to_json(result)) == result


def tables() -> st.SearchStrategy[np.ndarray]:
    shapes = st.tuples(st.integers(2, 5), st.integers(2, 3), st.integers(2, 3))
    return shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=st.integers(0, 4)))


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(0, 2**32 - 1))
def test_permuted_tables_keep_the_sums_of_clusters(table: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    missing = rng.random(table.shape[:2]) < 0.2
    missing[0] = False  # every value is present somewhere
    table = np.where(missing[:, :, None], np.nan, table)
    counts = (~missing).sum(axis=0)[:, None]
    for draws in (20, 20_000):
        blocks, exhaustive = null_means(table, rng, draws)
        means = np.concatenate(list(blocks))
        assert exhaustive or len(means) == draws
        sums = means * counts
        assert sums.sum(axis=1) == pytest.approx(
            np.tile(np.nansum(table, axis=(0, 1)), (len(means), 1))
        )


@pytest.mark.parametrize("n", [6, 400])
def test_drawn_permutations_have_the_mean_and_spread_of_all(n: int) -> None:
    """For few clusters each draw is among all orders; for many among cyclic shifts."""
    rng = np.random.default_rng(4)
    table = rng.random((n, 4, 2)) * (np.arange(n) % 3 + 1)[:, None, None]
    blocks, exhaustive = null_means(table, rng, 8000)
    means = np.concatenate(list(blocks))
    assert not exhaustive
    centre = table.mean(axis=1).mean(axis=0)
    spread = np.sqrt((table.var(axis=1)).sum(axis=0)) / n
    assert np.abs(means.mean(axis=0) - centre).max() < 5 * spread.max() / np.sqrt(8000)
    assert means.std(axis=0) == pytest.approx(np.tile(spread, (4, 1)), rel=0.05)


def test_how_often_an_item_is_listed_is_tested_exactly() -> None:
    """With two values, clusters that list it once are coins: a sign test."""
    listed = np.array([[1, 0]] * 9 + [[0, 1]] * 2 + [[1, 1]] * 3 + [[0, 0]] * 4, dtype=bool)
    p = presence_p_values(listed, np.ones_like(listed))
    assert p == pytest.approx([binomtest(9, 11).pvalue] * 2)
    # All orders of three values in two clusters, by hand: the item is listed once in the one
    # and twice in the other; value 0 lists it in both with probability 1/3 x 2/3.
    listed = np.array([[1, 0, 0], [1, 1, 0]], dtype=bool)
    p = presence_p_values(listed, np.ones_like(listed))
    assert p == pytest.approx([min(1, 2 * 2 / 9), 1.0, min(1, 2 * 2 / 9)])


def test_one_value_per_user_is_tested_as_drawing_without_replacement() -> None:
    present = np.array([[1, 0]] * 3 + [[0, 1]] * 3, dtype=bool)
    listed = np.array([[1, 0]] * 3 + [[0, 0]] * 3, dtype=bool)
    assert presence_p_values(listed, present) == pytest.approx([2 / 20, 2 / 20])


def test_numbers_are_cut_into_named_bands() -> None:
    salaries = {f"j{i}": float(i) for i in range(8)} | {"j8": float("nan"), "j9": None}
    bands = ListedGroups(salaries, 4)
    assert bands.names == ("0 to 1", "2 to 3", "4 to 5", "6 to 7", "unknown", "off catalogue")
    assert bands.shares(["j1", "j2", "j8", "?"]).tolist() == [0.25, 0.25, 0, 0, 0.25, 0.25]


def test_sequences_and_joined_names_are_split_and_counted_once() -> None:
    groups = ListedGroups({"a": "x| y |x", "b": ["y"], "c": "", "d": None})
    assert groups.names == ("x", "y", "unknown", "off catalogue")
    assert groups.shares(["a", "b", "c", "d"]).tolist() == [0.125, 0.375, 0.5, 0]


@pytest.mark.parametrize(
    ("changes", "error", "seen"),
    [
        ({"topics": ["one"]}, WrongUse, r"has 1 topic"),
        ({"topics": ["a", "a"]}, WrongUse, "1 of them different"),
        ({"attributes": []}, WrongUse, "no attribute"),
        ({"k": 0}, WrongUse, "k is 0"),
        ({"bands": 1}, WrongUse, "bands is 1"),
        ({"draws": 3}, WrongUse, "draws is 3"),
        ({"most": -1}, WrongUse, "most is -1"),
        ({"column": " "}, WrongUse, "column is blank"),
        ({"groups": {}}, BadData, "0 of 0 items have a group"),
        ({"groups": {"a": "x", "b": 3.0}}, BadData, "2 of 2 items have a group, 1 a number"),
        ({"groups": {"a": "x y", "b": "x  y"}}, BadData, "differ in blanks alone"),
    ],
)
def test_bad_settings_are_refused(
    changes: dict[str, object], error: type[Exception], seen: str
) -> None:
    with pytest.raises(error, match=seen):
        audit(**changes)


def test_few_clusters_identical_lists_and_lists_of_one_item_do_not_break() -> None:
    def judged(setting: StereotypeAudit, items: Sequence[str]) -> AuditResult:
        probes = setting.plan()
        return setting.judge(probes, [Answer(p.id, Ranking(tuple(items))) for p in probes])

    two = audit(topics=("a", "b"), draws=50)
    for items in (["m0"], ["m0", "m4"], ["?nothing"]):
        result = judged(two, items)
        assert result.finding("stereotype.gender.genre.jsd").p_value == 1.0
    assert any("2 topics are few" in w for w in result.warnings)
    assert any("100% of what was recommended has no known genre" in w for w in result.warnings)
