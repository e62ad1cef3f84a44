"""How much a shared prompt saves when candidates are scored one by one (yes or no).

    python benchmarks/pointwise_scoring.py [--model default] [--users 3] [--candidates 20]

For each user and each of two stated values, every candidate is asked about. One side computes what
the candidates' prompts share once and the rest as one packed trie, the other one forward per prompt
and candidate; in turn, on the same threads. The ratio is of the medians; the two must agree to
1e-3 nats, or the benchmark stops.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from fairrec.catalogs import candidate_pool, films
from fairrec.language_models import load_language_model
from fairrec.language_models.packed_trie import pack
from fairrec.prompts import template
from fairrec.recommenders import YesNo
from fairrec.types import Request

STATED = ("I am a woman.", "I am a man.")


def requests_of(catalog, users: int, candidates: int) -> list[Request]:
    words = template("movie_profile")
    found = []
    for user in range(users):
        history = candidate_pool(catalog, 10, purpose=f"history {user}")
        pool = candidate_pool(catalog, candidates, exclude=history, purpose=f"pool {user}")
        shown = "; ".join(catalog.title(item) for item in history)
        found += [
            Request(
                1,
                words.instruction(k=1, statement=said, history=shown),
                words.system,
                history=history,
                candidates=pool,
            )
            for said in STATED
        ]
    return found


@torch.inference_mode()
def one_forward_each(model, prompts, choices) -> np.ndarray:
    rows = []
    for prompt in prompts:
        ids = torch.tensor([model.token_ids(prompt)])
        logits = model.module(ids, logits_to_keep=1).logits[0, -1]
        rows.append(torch.log_softmax(logits, -1)[choices].double().numpy())
    return np.array(rows)


def tokens_computed(model, prompts, choices) -> tuple[int, int]:
    """Return tokens with the beginning shared, and without."""
    ids = [model.token_ids(prompt) for prompt in prompts]
    shared = 0
    while len({tuple(tokens[: shared + 1]) for tokens in ids}) == 1:
        shared += 1
    tails = [[*tokens[shared:], choice] for tokens in ids for choice in choices]
    return shared + sum(len(chunk.tokens) for chunk in pack(tails, last=1)), sum(map(len, ids))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    parser.add_argument("--users", type=int, default=3)
    parser.add_argument("--candidates", type=int, default=20)
    chosen = parser.parse_args()
    model, catalog = load_language_model(chosen.model, say=print), films()
    recommender = YesNo(model, catalog)
    choices = [model.continuation_ids([word])[0][0] for word in ("Yes", "No")]
    shared_seconds, plain_seconds, fewer = [], [], []
    for request in requests_of(catalog, chosen.users, chosen.candidates):
        prompts = recommender.prompts(request)
        started = time.perf_counter()
        shared = model.choice_logprobs(prompts, ["Yes", "No"])
        shared_seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
        plain = one_forward_each(model, prompts, choices)
        plain_seconds.append(time.perf_counter() - started)
        if (difference := np.abs(shared - plain).max()) > 1e-3:
            raise SystemExit(f"the two sides differ by {difference:.2g} nats")
        computed, otherwise = tokens_computed(model, prompts, choices)
        fewer.append(otherwise / computed)
    shared_median, plain_median = map(statistics.median, (shared_seconds, plain_seconds))
    print(
        f"{torch.get_num_threads()} threads, {chosen.candidates} candidates, "
        f"{len(fewer)} requests: {plain_median / shared_median:.1f}x faster "
        f"({shared_median:.2f} s against {plain_median:.2f} s), "
        f"{statistics.median(fewer):.1f}x fewer tokens"
    )


if __name__ == "__main__":
    main()
