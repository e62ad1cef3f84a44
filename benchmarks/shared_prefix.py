"""How much a shared prompt and a packed trie of titles save over one forward a title.

    python benchmarks/shared_prefix.py [--model default] [--titles 20 200]

Both sides score the same titles after the same prompt, in turn, on the same threads; the ratio
is of the medians. The two must agree to 1e-3 nats a title, or the benchmark stops.
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
from fairrec.prompts import TEMPLATES
from fairrec.protocols import Prompt

ROUNDS = 3


@torch.inference_mode()
def one_forward_each(model, prompt: Prompt, titles: list[str]) -> tuple[np.ndarray, int]:
    """Return the titles' log-likelihoods and the tokens computed for them."""
    head = model.token_ids(prompt)
    sums, computed = [], 0
    for title in titles:
        tail = model._tokenizer(title, add_special_tokens=False).input_ids
        ids = torch.tensor([head + tail[:-1]])
        logits = model._model(ids, logits_to_keep=len(tail)).logits[0]
        sums.append(torch.log_softmax(logits, -1)[range(len(tail)), tail].sum().item())
        computed += ids.numel()
    return np.array(sums), computed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    parser.add_argument("--titles", type=int, nargs="+", default=[20, 200])
    chosen = parser.parse_args()
    model, catalog = load_language_model(chosen.model, say=print), films()
    template = TEMPLATES["movie"]
    prompt = Prompt(
        template.instruction(value="an old", name="Spike Lee", k=20), template.system, "1."
    )
    print(f"{torch.get_num_threads()} threads, prompt of {len(model.token_ids(prompt))} tokens")
    for n in chosen.titles:
        titles = [f" {catalog.title(item)}" for item in candidate_pool(catalog, n)]
        tokens = model._tokenizer(titles, add_special_tokens=False).input_ids
        shared_tokens = len(model.token_ids(prompt)) + sum(len(c.tokens) for c in pack(tokens))
        shared_seconds, plain_seconds = [], []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            (row,) = model.continuation_logprobs([prompt], titles)
            shared_seconds.append(time.perf_counter() - started)
            started = time.perf_counter()
            plain, plain_tokens = one_forward_each(model, prompt, titles)
            plain_seconds.append(time.perf_counter() - started)
        difference = np.abs(np.array([part.sum() for part in row]) - plain).max()
        if difference > 1e-3:
            raise SystemExit(f"the two sides differ by {difference:.2g} nats")
        shared, one_each = statistics.median(shared_seconds), statistics.median(plain_seconds)
        print(
            f"{n} titles: {one_each / shared:.1f}x faster ({shared:.2f} s against "
            f"{one_each:.2f} s), {plain_tokens / shared_tokens:.1f}x fewer tokens "
            f"({shared_tokens} against {plain_tokens}), largest difference {difference:.1e} nats"
        )


if __name__ == "__main__":
    main()
