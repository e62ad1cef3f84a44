"""What counterfactually fair prompts hide and what they cost, over seeds, beside linear erasure.

    fairrec train p5 --data ml-1m --out p5
    python examples/cfp_movielens.py --data ml-1m --recommender p5 --seeds 0 1 2 3 4

For every seed the users are halved, a prompt is trained on one half for all sets of attributes, and
measured on the other. Results are kept in a folder, one file a seed: seeds that are there are not
run again, and may be run side by side. A recommender that was trained to be told attributes
(`--states gender`) is told them, and its lists are compared between stated values as well.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from fairrec.audits import CounterfactualAudit
from fairrec.datasets import leave_last_out, read_dataset
from fairrec.mitigations.cfp import CounterfactuallyFairPrompt
from fairrec.mitigations.cfp.card import attacked, measure_each
from fairrec.mitigations.cfp.erasure import LinearErasure
from fairrec.mitigations.cfp.people import halves
from fairrec.mitigations.cfp.training import subsets
from fairrec.prompts import attribute, template
from fairrec.recommenders.p5 import Examples, ItemIdGenerator, load_generator
from fairrec.running import ResponseStore
from fairrec.running import ask as ask_all
from fairrec.running.comparison import compare_answers
from fairrec.types import Request
from fairrec.users import User

PLACES = ("user", "prompt")
"""Where in the model the attackers look, besides lists: the user's tokens and the whole prompt."""

Numbers = Mapping[str, Any]


def one_seed(
    recommender: ItemIdGenerator,
    users: Sequence[User],
    draws: Examples,
    attributes: Sequence[str],
    seed: int,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Train a prompt and return what was measured, as plain JSON types."""
    learners, others = halves(users, 0.5, seed)
    prompt = CounterfactuallyFairPrompt(attributes, seed=seed, **settings)
    prompt.fit(recommender, learners, draw=draws.draw)
    sets = subsets(attributes)
    ask = partial(draws.asked, k=10)
    cards = measure_each(prompt, recommender, others, sets, ask=ask, seed=seed)
    losses = [look["loss"] for look in prompt.artefact.looks] if prompt.artefact else []
    return {
        "seed": seed,
        "losses": losses,
        "sets": {"+".join(s): c.to_dict() for s, c in zip(sets, cards, strict=True)},
        "places": places(prompt, recommender, ask, learners, others, seed),
        "told": told(prompt, recommender, others) if recommender.states else {},
    }


def places(
    prompt: CounterfactuallyFairPrompt,
    recommender: ItemIdGenerator,
    ask: Callable[[User], Request],
    learners: Sequence[User],
    others: Sequence[User],
    seed: int,
) -> dict[str, Any]:
    """Return attacks on the model's states: as they are, with the prompt, and after LEACE."""
    found: dict[str, Any] = {}
    wrapped = prompt.wrap(recommender)
    for place in PLACES:
        seen, before = (
            recommender.embed([ask(user) for user in of], place) for of in (learners, others)
        )
        after = wrapped.embed([ask(user) for user in others], place)
        for name in prompt.attributes:
            labels = np.unique([user.profile[name] for user in learners], return_inverse=True)[1]
            erased = LinearErasure.fit(seen, labels).transform(before)
            found[f"{name}.{place}"] = {
                what: asdict(attacked(others, vectors, name, seed))
                for what, vectors in (("nothing", before), ("prompt", after), ("leace", erased))
            }
    return found


def told(
    prompt: CounterfactuallyFairPrompt, recommender: ItemIdGenerator, users: Sequence[User], n=200
) -> dict[str, Any]:
    """Return what the counterfactual audit says of lists before and after, by finding."""
    stated = [
        replace(known, values=tuple(v for v in known.values if v.value in values))
        for name, values in recommender.states.items()
        for known in [attribute(name)]
    ]
    audit = CounterfactualAudit(users[:n], stated, [template("movie_user")], repeats=1)
    probes, store = audit.plan(), ResponseStore(None)
    before = ask_all(probes, recommender, store)
    after = ask_all(probes, prompt.wrap(recommender), store)
    changes = compare_answers(audit, probes, before, after).fairness
    return {
        c.id: {
            "before": c.before,
            "after": c.after,
            "difference": [c.difference.value, c.difference.low, c.difference.high],
        }
        for c in changes
        if c.id.count(".") == 3 and c.id.endswith(("flip_similarity", "flip_excess"))
    }


def tables(results: Sequence[Numbers]) -> str:
    """Return all that was measured, as Markdown.

    A cell is the mean over seeds, with the lowest and the highest end of the seeds' intervals.
    """
    sets: Mapping[str, Any] = results[0]["sets"]
    names = list(sets)[-1].split("+")
    head = [*names, "Hit@10 kept", "NDCG@10 kept"]
    lines = [_row("hidden", head), _row("---", ["---"] * len(head))]
    for chosen in sets:
        cells = [
            _over(results, partial(_attack, chosen, name, "embeddings"))
            if name in chosen.split("+")
            else ""
            for name in names
        ]
        cells += [_over(results, partial(_kept, chosen, m)) for m in ("hit@10", "ndcg@10")]
        lines.append(_row(chosen.replace("+", ", "), cells))
    lines += ["", _row("recovered from", ["hidden by", *names])]
    lines += [_row("---", ["---"] * (len(names) + 1))]
    whole = "+".join(names)
    for place in PLACES:
        for what in ("nothing", "prompt", "leace"):
            cells = [_over(results, partial(_place, f"{name}.{place}", what)) for name in names]
            lines.append(_row(place, [what, *cells]))
    for what, side in (("nothing", 0), ("prompt", 1)):
        cells = [_over(results, partial(_attack, whole, n, "lists", side=side)) for n in names]
        lines.append(_row("lists", [what, *cells]))
    if results[0]["told"]:
        head = ["before", "after", "difference"]
        lines += ["", _row("lists of other values", head), _row("---", ["---"] * 3)]
    for finding in results[0]["told"]:
        sides = [np.mean([r["told"][finding][side] for r in results]) for side in head[:2]]
        difference = _over(results, partial(_difference, finding))
        lines.append(_row(finding, [*(f"{side:.3f}" for side in sides), difference]))
    return "\n".join(lines) + "\n"


def _row(first: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([first, *cells])} |"


def _attack(
    chosen: str, name: str, source: str, result: Numbers, *, side: int = 1
) -> Sequence[float]:
    found = result["sets"][chosen]["attacks"][f"{name}.{source}"][side]
    return found["auc"], found["low"], found["high"]


def _kept(chosen: str, metric: str, result: Numbers) -> Sequence[float]:
    return result["sets"][chosen]["utility"][metric]["kept"]


def _place(name: str, what: str, result: Numbers) -> Sequence[float]:
    found = result["places"][name][what]
    return found["auc"], found["low"], found["high"]


def _difference(finding: str, result: Numbers) -> Sequence[float]:
    return result["told"][finding]["difference"]


def _over(results: Sequence[Numbers], pick: Callable[[Numbers], Sequence[float]]) -> str:
    values, lows, highs = zip(*map(pick, results), strict=True)
    return f"{np.mean(values):.3f} [{min(lows):.3f}, {max(highs):.3f}]"


def main() -> None:
    """Run the seeds that are not there, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recommender", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("cfp_movielens"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--attributes", nargs="+", default=["gender", "age", "occupation"])
    parser.add_argument(
        "--settings", type=yaml.safe_load, default={"steps": 450, "check_every": 150}
    )
    args = parser.parse_args()
    recommender = load_generator(args.recommender)
    trained = recommender.trained
    dataset = read_dataset(args.data)
    users = leave_last_out(
        dataset, trained["held_out"], minimum_history=2, seed=trained["settings"]["seed"]
    )
    ordered = dataset.timestamps is not None
    draws = Examples(recommender.history, ordered=ordered, states=tuple(recommender.states))
    args.out.mkdir(parents=True, exist_ok=True)
    for seed in args.seeds:
        file = args.out / f"seed_{seed}.json"
        if not file.exists():
            found = one_seed(recommender, users, draws, args.attributes, seed, args.settings)
            file.write_text(json.dumps(found, indent=1))
    files = [args.out / f"seed_{seed}.json" for seed in args.seeds]
    print(tables([json.loads(file.read_text()) for file in files]))


if __name__ == "__main__":
    main()
