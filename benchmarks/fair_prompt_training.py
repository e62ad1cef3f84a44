"""Fair prompts for a language model that is asked in words and told who asks.

    python benchmarks/fair_prompt_training.py --data ml-100k [--model default] [--steps 200]

First the time of a step beside PEFT's prefix tuning of the same model on the same prompts, which
recommends only: medians of pairs in one run. Then a short training, with what it hides in the state
that the answer begins from, how much nearer the lists of "I am a man" and "I am a woman" come, and
the most memory that the process took.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fairrec.audits.asking import user_request
from fairrec.catalogs import candidate_pool
from fairrec.datasets import leave_last_out, read_dataset
from fairrec.language_models import load_language_model
from fairrec.language_models.transformers_models import TransformersModel
from fairrec.metrics.similarity import jaccard
from fairrec.mitigations.cfp import CounterfactuallyFairPrompt
from fairrec.mitigations.cfp.attaching import attached, sites_of
from fairrec.mitigations.cfp.card import attacked
from fairrec.mitigations.cfp.independence import maximum_mean_discrepancy
from fairrec.mitigations.cfp.prefix import FairPrefixes
from fairrec.mitigations.cfp.spans import span_vectors
from fairrec.prompts import template
from fairrec.protocols import Prompt
from fairrec.recommenders.trainable_likelihood import TrainableLikelihood
from fairrec.types import Request
from fairrec.users import User

STATEMENTS = {"male": "I am a man.", "female": "I am a woman."}
SHOWN = 5
"""Films of a history that a prompt names."""


def requests_of(titles: dict[str, str]) -> Callable[..., Request]:
    """Return what asks for a user, as their own gender or another."""

    def asked(user: User, gender: str | None = None, shown: Sequence[str] | None = None) -> Request:
        history = tuple(user.history[-SHOWN:] if shown is None else shown)
        gender = gender or user.profile["gender"]
        person = replace(user, history=history, held_out=(), ratings=None)
        return user_request(
            person,
            template("movie_user"),
            10,
            titles=titles,
            statement=STATEMENTS[gender],
            profile={"gender": gender},
        )

    return asked


def our_step(
    recommender: TrainableLikelihood, requests: Sequence[Request], targets: Any, labels: Any
) -> Callable[[], None]:
    """Return a step that learns to recommend and to hide."""
    module = recommender.module
    prefixes = FairPrefixes(["gender"], sites_of(module), length=10, width=64)
    optimiser = torch.optim.Adam(prefixes.parameters(), lr=3e-3)

    def step() -> None:
        optimiser.zero_grad()
        with attached(module, prefixes(["gender"])):
            passed = recommender.forward(requests, targets)
        hidden = maximum_mean_discrepancy(span_vectors(passed, ["last"])["last"], labels)
        (passed.loss + 20 * hidden).backward()
        optimiser.step()

    return step


def peft_step(model: TransformersModel, texts: Sequence[tuple[Prompt, str]]) -> Callable[[], None]:
    """Return a step of PEFT's prefix tuning that learns the same titles after the same prompts."""
    from peft import PrefixTuningConfig, get_peft_model

    config = PrefixTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=10, prefix_projection=True, encoder_hidden_size=64
    )
    tuned: Any = get_peft_model(deepcopy(model.module), config)
    optimiser = torch.optim.Adam([p for p in tuned.parameters() if p.requires_grad], lr=3e-3)
    begins = [model.token_ids(prompt) for prompt, _ in texts]
    ends = model.continuation_ids([title for _, title in texts])
    longest = max(len(a) + len(b) for a, b in zip(begins, ends, strict=True))
    ids = torch.zeros((len(texts), longest), dtype=torch.long)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for n, (a, b) in enumerate(zip(begins, ends, strict=True)):
        ids[n, longest - len(a) - len(b) :] = torch.tensor([*a, *b])
        mask[n, longest - len(a) - len(b) :] = 1
        labels[n, longest - len(b) :] = torch.tensor(b)

    def step() -> None:
        optimiser.zero_grad()
        tuned(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        optimiser.step()

    return step


def paired(ours: Callable[[], None], theirs: Callable[[], None], times: int = 5) -> list[float]:
    """Return how long ours took, over how long theirs did, pair by pair."""
    ratios = []
    for _ in range(times + 1):
        seconds = []
        for step in (ours, theirs):
            begun = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - begun)
        ratios.append(seconds[0] / seconds[1])
    return ratios[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="default")
    for name, default in (("steps", 200), ("batch", 16), ("users", 240), ("measured", 160)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()

    model: Any = load_language_model(args.model, say=print)
    dataset = read_dataset(args.data)
    catalog = dataset.catalog
    everybody = leave_last_out(dataset, 5, minimum_history=SHOWN + 1)
    # As many women as men: the first of each.
    equal = [u for pair in zip(*by_gender(everybody), strict=False) for u in pair]
    learners, others = equal[: args.users], equal[args.users :][: args.measured]
    asked = requests_of(dict(zip(catalog.ids, catalog.titles, strict=True)))
    recommender = TrainableLikelihood(model, catalog, variant="raw")

    for parameter in model.module.parameters():
        parameter.requires_grad_(False)
    batch = learners[: args.batch]
    requests, targets = [asked(u) for u in batch], [u.held_out[:1] for u in batch]
    texts = [
        (Prompt(r.instruction, r.system, "1."), f" {catalog.title(item)}")
        for r, (item,) in zip(requests, targets, strict=True)
    ]
    labels = torch.tensor([u.profile["gender"] == "male" for u in batch]).long()
    ratios = paired(our_step(recommender, requests, targets, labels), peft_step(model, texts))
    print(f"a step, ours / PEFT's: {statistics.median(ratios):.2f} (fp32, batch of {args.batch})")

    def draw(user: User, rng: np.random.Generator) -> tuple[Request, list[str]]:
        place = int(rng.integers(SHOWN, len(user.history)))
        shown = user.history[place - SHOWN : place]
        return asked(user, shown=shown), [user.history[place]]

    begun = time.perf_counter()
    prompt = CounterfactuallyFairPrompt(
        ["gender"],
        spans=("last",),
        steps=args.steps,
        batch=args.batch,
        check_every=max(1, args.steps // 2),
        validation=0.3,
        bf16=True,
    )
    prompt.fit(recommender, learners, draw=draw, tell=lambda run: print(run.looks[-1]))
    seconds = time.perf_counter() - begun
    print(f"{args.steps} steps and 3 looks: {seconds:.0f} s (bf16)")
    pool = candidate_pool(catalog, 60, seed=0, purpose="lists")
    for name, now in (("before", recommender), ("after", prompt.wrap(recommender))):
        found = attacked(others, now.embed([asked(u) for u in others]), "gender")
        lists = [
            now.recommend([replace(asked(u, gender), candidates=pool) for u in others[:30]])
            for gender in STATEMENTS
        ]
        same = np.mean([jaccard(a.items, b.items) for a, b in zip(*lists, strict=True)])
        print(
            f"{name}: AUC of gender {found.auc:.3f} [{found.low:.3f}, {found.high:.3f}], "
            f"Jaccard of the lists of a man and a woman {same:.3f}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"most memory: {peak:.1f} GB")


def by_gender(users: Sequence[User]) -> list[list[User]]:
    """Return the users of each gender that there is a statement for."""
    return [[u for u in users if u.profile.get("gender") == gender] for gender in STATEMENTS]


if __name__ == "__main__":
    main()
