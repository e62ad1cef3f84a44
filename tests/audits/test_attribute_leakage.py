"""The leakage audit recovers what is planted, is at chance where nothing is, and says which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from fairrec.audits.attribute_leakage import AttributeLeakageAudit
from fairrec.errors import BadData, WrongUse
from fairrec.evidence.attackers import balanced_folds
from fairrec.gates import parse_gate
from fairrec.prompts import USER_TEMPLATES
from fairrec.recommenders import as_recommender
from fairrec.results import AuditResult, Verdict
from fairrec.running import run_audit
from fairrec.seeds import generator
from fairrec.serialization import from_json, to_json
from fairrec.types import Answer, Arm, Outcome, Ranking, Request
from fairrec.users import User

ITEMS = tuple(f"m{i}" for i in range(60))


def people(n: int = 60, values: Sequence[str] = ("female", "male"), seed: int = 0) -> list[User]:
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(np.resize(values, n))
    return [User(f"u{i}", {"gender": str(v)}, history=("m1",)) for i, v in enumerate(drawn)]


def audit(users: Sequence[User], **changes: object) -> AttributeLeakageAudit:
    one = AttributeLeakageAudit(
        users,
        ["gender"],
        USER_TEMPLATES["movie"],
        k=8,
        attackers=("logistic",),
        folds=3,
        permutations=39,
        boosting_permutations=19,
    )
    return replace(one, **changes)


def leaking(users: Sequence[User], more: float, seed: int = 0, **parts: bool):
    """Each value has ten items that its users get `more` times as often as others do."""
    profiles = {user.id: user.profile["gender"] for user in users}
    values = sorted(set(profiles.values()))

    def recommend(request: Request) -> Ranking:
        user = request.slots["user"]
        own = values.index(profiles[user])
        rng = generator(seed, user, str(request.replicate))
        weights = np.array([more if i // 10 == own else 1.0 for i in range(len(ITEMS))])
        places = rng.choice(len(ITEMS), request.k, replace=False, p=weights / weights.sum())
        vector = (*rng.normal(size=4).tolist(), own * (more - 1) + rng.normal())
        return Ranking(
            tuple(ITEMS[i] for i in places),
            scores=tuple(weights[places] + rng.normal(size=request.k))
            if parts.get("scores")
            else None,
            embedding=vector if parts.get("embedding") else None,
        )

    return as_recommender(recommend, name=f"leaking {more} {seed} {parts}")


def test_the_plan_asks_every_user_once_without_the_attribute() -> None:
    users = people(12)
    probes = audit(users).plan()
    assert [p.cluster for p in probes] == [u.id for u in users]
    assert all(p.arm is Arm.NEUTRAL and not p.request.profile for p in probes)
    assert not any("male" in p.request.instruction for p in probes)


@pytest.mark.parametrize("values", [("female", "male"), ("a", "b", "c")])
def test_a_planted_leak_is_found_from_lists_scores_and_embeddings(values: tuple[str, ...]) -> None:
    users = people(72, values)
    recommender = leaking(users, 8.0, scores=True, embedding=True)
    result = run_audit(audit(users, components=20), recommender)
    for source in ("lists", "scores", "embeddings"):
        auc = result.finding(f"leakage.gender.{source}_logistic.auc").estimate
        assert auc.value is not None and auc.value > 0.85
        assert auc.low is not None and auc.low > 0.5
        advantage = result.finding(f"leakage.gender.{source}_logistic.advantage")
        assert advantage.p_value == 1 / 40
        assert advantage.estimate.value == pytest.approx(auc.value - 0.5)
        assert advantage.estimate.low == pytest.approx(auc.low - 0.5)
        assert advantage.noise_floor is not None and 0 < advantage.noise_floor < 0.15
    own = [row.measures["gender.lists_logistic"] for row in result.observations]
    assert np.mean(own) > 1.3 / len(values)


def test_boosting_finds_a_planted_leak() -> None:
    users = people(60)
    result = run_audit(audit(users, attackers=("boosting",)), leaking(users, 8.0))
    found = result.finding("leakage.gender.lists_boosting.advantage")
    assert found.p_value == 1 / 20
    assert found.estimate.value is not None and found.estimate.value > 0.3


def test_lists_alone_bring_findings_on_lists_alone() -> None:
    users = people(30)
    result = run_audit(audit(users), leaking(users, 2.0))
    assert [f.id for f in result.findings] == [
        "leakage.gender.lists_logistic.auc",
        "leakage.gender.lists_logistic.advantage",
    ]


def test_without_a_leak_the_attacker_is_at_chance() -> None:
    """60 audits: at most 8 false alarms (expected 3), intervals hold 0.5 in all but as many."""
    p_values, aucs, covered = [], [], []
    for seed in range(60):
        users = people(36, seed=seed)
        one = audit(users, permutations=19, components=6, seed=seed)
        recommender = leaking(users, 1.0, seed)
        probes = one.plan()
        answers = [Answer(p.id, recommender.recommend([p.request])[0]) for p in probes]
        result = one.judge(probes, answers)
        p_values.append(result.finding("leakage.gender.lists_logistic.advantage").p_value)
        auc = result.finding("leakage.gender.lists_logistic.auc").estimate
        aucs.append(auc.value)
        covered.append(auc.low <= 0.5 <= auc.high)
    assert sum(p <= 0.05 for p in p_values) <= 8
    assert sum(covered) >= 52
    assert abs(np.mean(aucs) - 0.5) < 4 * np.std(aucs) / np.sqrt(60)


def test_small_groups_silent_users_and_users_without_the_attribute_are_named() -> None:
    users = [
        *people(30),
        *(User(f"few{i}", {"gender": "other"}) for i in range(5)),
        User("blank", {"age": "old"}),
    ]
    inner = leaking(people(30), 3.0)

    def recommend(request: Request) -> Ranking:
        user = request.slots["user"]
        if user in ("u3", "u4"):
            return Ranking((), Outcome.REFUSED)
        return inner.function(request) if user.startswith("u") else Ranking(ITEMS[:8])

    result = run_audit(audit(users), as_recommender(recommend, name="patchy"))
    said = " ".join(result.warnings)
    assert "2 of 36 user(s) got no list: u3, u4." in said
    assert "1 user(s) lack 'gender': blank." in said
    assert "fewer than 6 answered users have are left out: other (5)." in said
    auc = result.finding("leakage.gender.lists_logistic.auc").estimate
    assert (auc.n, auc.n_missing) == (28, 8)


def test_too_few_users_is_no_number_and_nothing_answered_is_undecided() -> None:
    users = people(8)
    few = run_audit(audit(users), leaking(users, 3.0)).findings[0].estimate
    assert few.value is None and "fewer than two values" in few.reason
    silent = as_recommender(lambda request: None, name="silent")
    gate = parse_gate("leakage.*.embeddings_logistic.advantage <= 0.1")
    result = run_audit(audit(people(30)), silent, gates=[gate])
    assert result.verdict is Verdict.UNDECIDED
    assert len(result.findings) == 6


def test_the_same_list_for_all_is_chance_and_said() -> None:
    users = people(30)
    same = as_recommender(lambda request: list(ITEMS[:8]), name="same")
    result = run_audit(audit(users), same)
    advantage = result.finding("leakage.gender.lists_logistic.advantage")
    assert advantage.estimate.value == 0.0 and advantage.p_value == 1.0
    assert any("Every user got the same list" in w for w in result.warnings)


def test_a_user_asked_twice_is_one_user() -> None:
    users = people(30)
    one = audit(users)
    probes = one.plan()
    again = [replace(p, arm=Arm.REPEAT, request=replace(p.request, replicate=1)) for p in probes]
    recommender = leaking(users, 3.0)
    every = probes + again
    answers = [Answer(p.id, recommender.recommend([p.request])[0]) for p in every]
    result = one.judge(every, answers)
    assert result.findings[0].estimate.n == 30
    assert len(result.observations) == 60
    assert result == one.judge(every, answers[::-1])
    assert from_json(AuditResult, to_json(result)) == result


def test_probes_that_say_something_and_strangers_are_left_out() -> None:
    users = people(30)
    one = audit(users[:-1])
    probes = audit(users).plan()
    stated = replace(
        probes[0], arm=Arm.SENSITIVE, request=replace(probes[0].request, profile={"gender": "male"})
    )
    every = [*probes, stated]
    result = one.judge(every, [Answer(p.id, Ranking(ITEMS[:8])) for p in every])
    said = " ".join(result.warnings)
    assert "1 probe(s) that state or hint at something are left out." in said
    assert "1 user(s) of the probes are not among the audit's users and are left out: u29." in said
    assert len(result.observations) == 29


def test_an_embedding_of_another_length_loses_that_user_alone() -> None:
    users = people(30)

    def recommend(request: Request) -> Ranking:
        short = request.slots["user"] == "u7"
        return Ranking(ITEMS[:8], embedding=(1.0,) if short else (1.0, 2.0))

    result = run_audit(audit(users), as_recommender(recommend, name="uneven"))
    found = result.finding("leakage.gender.embeddings_logistic.auc").estimate
    assert (found.n, found.n_missing) == (29, 1)


def test_too_few_permutations_for_the_family_are_said() -> None:
    users = people(30)
    result = run_audit(audit(users, permutations=19), leaking(users, 1.0, scores=True))
    assert any("With 19 permutations and 2 tests no logistic" in w for w in result.warnings)


def test_folds_hold_as_many_of_every_value() -> None:
    labels = np.array([0] * 13 + [1] * 29 + [2] * 8)
    folds = balanced_folds(labels, 4, np.random.default_rng(1))
    assert sorted(np.bincount(folds)) == [12, 12, 13, 13]
    for c in range(3):
        assert np.ptp(np.bincount(folds[labels == c], minlength=4)) <= 1


@pytest.mark.parametrize(
    ("changes", "error", "seen"),
    [
        ({"users": people(1)}, WrongUse, r"has 1 user"),
        ({"users": [*people(3), *people(1)]}, BadData, "more than once: u0"),
        ({"attributes": ["income"]}, BadData, "no user has the attribute 'income'"),
        ({"attributes": []}, WrongUse, "no attribute"),
        ({"attackers": ["nearest"]}, WrongUse, "nearest"),
        ({"attackers": []}, WrongUse, "one or more of logistic, boosting"),
        ({"folds": 1}, WrongUse, "folds is 1"),
        ({"permutations": 5}, WrongUse, "permutations is 5"),
        ({"k": 0}, WrongUse, "k is 0"),
        ({"level": 1.0}, WrongUse, "level is 1.0"),
    ],
)
def test_bad_settings_of_the_leakage_audit_are_refused(
    changes: dict[str, object], error: type[Exception], seen: str
) -> None:
    with pytest.raises(error, match=seen):
        audit(**{"users": people(30), **changes})
