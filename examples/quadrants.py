"""One audit over language models tuned and frozen, with and without a conventional model.

    fairrec train p5 --data ml-100k --states gender --out p5
    python examples/quadrants.py --data ml-100k --item-ids p5 --users 100

Lin et al., "How Can Recommender Systems Benefit from Large Language Models", 2023, sort systems
into four quadrants. One of each, and the conventional baselines, rank the same candidates of the
same users: what was held out and 59 other films. For each: NDCG@10 of women and of men, the gap,
how much lists change when the other gender is stated (beyond repeating the same question), and how
popular the recommended films are. Results are kept in a folder, a file a system: systems that are
there are not run again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from fairrec.audits import CounterfactualAudit, GroupUtilityAudit, PopularityAudit
from fairrec.audits.asking import user_request
from fairrec.catalogs import candidate_pool
from fairrec.datasets import leave_last_out, read_dataset
from fairrec.language_models import load_language_model, load_text_encoder
from fairrec.language_models.encoder_tuning import tune_encoder
from fairrec.prompts import Attribute, attribute, template
from fairrec.protocols import Recommender
from fairrec.recommenders import CatalogueLikelihood, FilterThenRerank, TwoTower, YesNo
from fairrec.recommenders.conventional import ImplicitALS, ItemKNN, Popularity, RandomItems
from fairrec.running import ResponseStore, run_audit
from fairrec.users import User

K = 10
SHOWN = 10
"""Films of the history in the words."""


class World:
    """The data, who is asked for, and how."""

    def __init__(self, data: Path, users: int, seed: int) -> None:
        self.data = read_dataset(data)
        self.catalog = self.data.catalog
        self.titles = dict(zip(self.catalog.ids, self.catalog.titles, strict=True))
        self.learners = leave_last_out(self.data, 1, minimum_history=SHOWN)
        known = attribute("gender")
        self.gender = Attribute(
            known.name, tuple(v for v in known.values if v.value in ("female", "male"))
        )
        rng = np.random.default_rng(seed)
        self.users: list[User] = []
        for value in ("female", "male"):
            group = [u for u in self.learners if u.profile.get("gender") == value]
            for place in rng.permutation(len(group))[: users // 2]:
                self.users.append(self._asked_for(group[place]))
        self.counts = dict.fromkeys(self.catalog.ids, 0.0)
        for user in self.learners:
            for item in user.history:
                self.counts[item] += 1

    def _asked_for(self, user: User) -> User:
        pool = candidate_pool(
            self.catalog, 60, include=user.held_out, exclude=user.history, purpose=user.id
        )
        return replace(user, history=user.history[-SHOWN:], ratings=None, candidates=pool)

    def words(self, name: str) -> list[str]:
        """What every learner would say, stating the own gender, in the words of a template."""
        said = {value.value: value.statement for value in self.gender.values}
        return [
            user_request(
                replace(user, history=user.history[-SHOWN:], ratings=None),
                template(name),
                K,
                titles=self.titles,
                statement=said.get(user.profile.get("gender", ""), ""),
            ).instruction
            for user in self.learners
        ]

    def pairs(self) -> list[tuple[str, str]]:
        """Titles that follow one another in somebody's history."""
        return [
            (self.titles[one], self.titles[other])
            for user in self.learners
            for one, other in zip(user.history, user.history[1:], strict=False)
        ]


def systems(world: World, item_ids: Path | None) -> dict[str, tuple[str, Callable[[], Any], str]]:
    """Return, by name: the quadrant, how to make the system, and the template of its words."""
    catalog, learners = world.catalog, world.learners

    def two_tower(tuned: bool) -> TwoTower:
        encoder: Any = load_text_encoder()
        if tuned:
            encoder = tune_encoder(encoder, world.pairs())
        model = TwoTower(encoder, catalog, columns=["genre"], words=True)
        return model.fit(learners, world.words("movie_profile"))

    def reranked() -> FilterThenRerank:
        first = ImplicitALS(catalog).fit(learners)
        return FilterThenRerank(first, YesNo(load_language_model(), catalog), keep=20)

    def saved() -> Recommender:
        from fairrec.recommenders.p5 import load_generator

        assert item_ids is not None
        return load_generator(item_ids)

    frozen_alone, frozen_with = "frozen, no conventional model", "frozen, conventional model"
    found: dict[str, tuple[str, Callable[[], Any], str]] = {
        "SmolLM2, likelihood of titles": (
            frozen_alone,
            lambda: CatalogueLikelihood(load_language_model(), catalog),
            "movie_user",
        ),
        "ALS, then SmolLM2 reranks 20": (frozen_with, reranked, "movie_profile"),
        "MiniLM, two-tower": (frozen_with, lambda: two_tower(False), "movie_profile"),
        "MiniLM tuned, two-tower": (
            "tuned, conventional model",
            lambda: two_tower(True),
            "movie_profile",
        ),
    }
    if item_ids is not None:
        found["P5, item ids"] = ("tuned, no conventional model", saved, "movie_user")
    alone = {
        "ALS": lambda: ImplicitALS(catalog).fit(learners),
        "item-kNN": lambda: ItemKNN(catalog).fit(learners),
        "popularity": lambda: Popularity(catalog).fit(learners),
        "random": lambda: RandomItems(catalog),
    }
    return found | {
        name: ("conventional model alone", make, "movie_user") for name, make in alone.items()
    }


def audited(recommender: Recommender, world: World, name: str, draws: int) -> dict[str, Any]:
    """Return the estimates of one system, as plain JSON types."""
    store, words = ResponseStore(None), template(name)
    audits = (
        CounterfactualAudit(
            world.users, [world.gender], [words], k=K, titles=world.titles, draws=draws
        ),
        GroupUtilityAudit(world.users, ["gender"], words, k=K, titles=world.titles, draws=draws),
        PopularityAudit(world.catalog, words, world.counts, users=world.users, k=K, draws=draws),
    )
    found: dict[str, Any] = {}
    for audit in audits:
        result = run_audit(audit, recommender, store=store)
        for finding in result.findings:
            found[finding.id] = asdict(finding.estimate)
    return found


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the comparison as Markdown."""
    lines = [("system", "quadrant", *WANTED), ("---",) * (len(WANTED) + 2)]
    for name, result in results.items():
        cells = [_cell(result["estimates"][finding]) for finding in WANTED.values()]
        lines.append((name, result["quadrant"], *cells))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(estimate: Mapping[str, Any]) -> str:
    if estimate["value"] is None:
        return "-"
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


def draw(results: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw the users' side and the items' side against accuracy."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    measures = ("gap", "changed by gender", "popularity lift")
    figure, places = pyplot.subplots(1, 3, figsize=(15, 4.8), layout="constrained")
    for place, measure in zip(places, measures, strict=True):
        for number, (name, result) in enumerate(results.items()):
            found = {label: result["estimates"][finding] for label, finding in WANTED.items()}
            x = (found["NDCG@10, women"]["value"] + found["NDCG@10, men"]["value"]) / 2
            y = found[measure]
            ends = [[max(y["value"] - y["low"], 0)], [max(y["high"] - y["value"], 0)]]
            place.errorbar(
                x, y["value"], yerr=ends, fmt="osD^v<>PX"[number % 9], capsize=3, label=name
            )
        place.axhline(0, color="0.8", zorder=0)
        place.set_xlabel("NDCG@10, mean of women and men")
        place.set_title(measure)
    figure.legend(*places[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.savefig(path, dpi=120)


WANTED = {
    "NDCG@10, women": "group_utility.gender.female.ndcg.mean",
    "NDCG@10, men": "group_utility.gender.male.ndcg.mean",
    "gap": "group_utility.gender.ndcg.difference",
    "changed by gender": "counterfactual.gender.jaccard.flip_excess",
    "popularity lift": "popularity.items.popularity.lift",
}
"""What is shown of each system, by the ids of findings."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--item-ids", type=Path)
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--only", nargs="*", help="Systems whose names hold one of these.")
    parser.add_argument("--out", type=Path, default=Path("quadrants"))
    chosen = parser.parse_args()
    world = World(chosen.data, chosen.users, chosen.seed)
    chosen.out.mkdir(parents=True, exist_ok=True)
    results = {}
    for name, (quadrant, make, words) in systems(world, chosen.item_ids).items():
        if chosen.only and not any(part in name for part in chosen.only):
            continue
        path = chosen.out / f"{''.join(c if c.isalnum() else '-' for c in name)}.json"
        if not path.exists():
            estimates = audited(make(), world, words, chosen.draws)
            path.write_text(json.dumps({"quadrant": quadrant, "estimates": estimates}, indent=1))
        results[name] = json.loads(path.read_text())
        print(name, "is done", flush=True)
    print(table(results))
    draw(results, chosen.out / "quadrants.png")


if __name__ == "__main__":
    main()
