"""The examples run, and show what they say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rerankers_on_made_up_users_of_the_embedded_films(tmp_path: Path) -> None:
    page = example("rerank_movielens")
    everybody, catalog = page.real_or_made_up(tmp_path / "nothing here")
    catalog, popularity = page.with_popularity(catalog, everybody)
    recommender = page.PureSVD(everybody, catalog)
    rows = page.table(
        everybody[:30], catalog, popularity, recommender, 5, 40, ["det_greedy", "fairco"]
    )
    assert [row.name for row in rows] == ["as it is", "det_greedy", "fairco"]
    assert rows[0].kept == 1
    assert all(row.ratio > rows[0].ratio and row.lift < rows[0].lift for row in rows[1:])


@pytest.mark.model
def test_the_ensemble_has_no_effect() -> None:
    page = example("counterfactual_ensemble")
    found = page.before_and_after("default", 3, "physics", k=5, pool=12)
    for metric in ("jaccard", "serp", "prag"):
        assert found.change(f"sensitivity.physics.{metric}.snsr").after == 0
    assert found.change("cost.calls").after == 3


@pytest.mark.model
def test_fair_prompts_over_seeds(taste_users, taste_films) -> None:
    page = example("cfp_movielens")
    from fairrec.recommenders.p5 import Examples, P5Settings, train_p5

    p5 = P5Settings(
        branching=16, width=16, layers=1, history=10, ordered=False, states=("gender",), steps=60
    )
    recommender = train_p5(taste_users, taste_films, p5)
    draws = Examples(10, ordered=False, states=("gender",))
    quick = {"steps": 4, "batch": 16, "check_every": 2, "length": 2, "width": 8, "validation": 0.3}
    found = [
        page.one_seed(recommender, taste_users, draws, ["gender", "age"], seed, quick)
        for seed in (0, 1)
    ]
    table = page.tables(found)
    assert "| gender, age | 0." in table
    both = [seed["places"]["gender.user"]["leace"]["auc"] for seed in found]
    assert f"{sum(both) / 2:.3f}" in table
    assert "| counterfactual.gender.jaccard.flip_excess | 0." in table
