"""Which variant of the likelihood recommender follows the stated taste best, and how fast.

    python benchmarks/likelihood_variants.py [--model default] [--topics 20] [--pool 60]

For each director a neutral prompt. "own among directors" ranks the films of all the directors
together, so that being well known helps every director's films alike: its AUC is the chance that
one of the director's own films is ranked above one of another's. "own in the pool" ranks the
director's own films among a seeded sample of the catalogue, as the audit does; the share of own
films in the top 20 is given beside what chance would give.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from scipy.stats import rankdata

from fairrec.catalogs import candidate_pool, films, frequent_values
from fairrec.language_models import load_language_model
from fairrec.prompts import NEUTRAL_PHRASE, TEMPLATES
from fairrec.recommenders.catalogue_likelihood import CatalogueLikelihood
from fairrec.types import Request

K = 20
PREFILLS = ("", "1.", "Sure, here is my list of movies:\n1.")


def auc(scores: np.ndarray, own: np.ndarray) -> float:
    """Return the chance that an own film is scored above another one, ties counting half."""
    ranks = rankdata(scores)
    n, m = own.sum(), (~own).sum()
    return float((ranks[own].sum() - n * (n + 1) / 2) / (n * m))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    parser.add_argument("--topics", type=int, default=20)
    parser.add_argument("--pool", type=int, default=60)
    chosen = parser.parse_args()

    catalog = films()
    directors = frequent_values(catalog, n=chosen.topics)
    column = catalog.column("director")
    own_ids = {
        d: tuple(i for i, v in zip(catalog.ids, column, strict=True) if v == d) for d in directors
    }
    every = tuple(i for d in directors for i in own_ids[d])
    model = load_language_model(chosen.model, say=print)
    template = TEMPLATES["movie"]
    requests = {
        d: Request(
            k=K,
            instruction=template.instruction(value=NEUTRAL_PHRASE, name=d, k=K),
            system=template.system,
        )
        for d in directors
    }
    print(f"{len(directors)} directors, {len(every)} films of theirs, pools of {chosen.pool}")
    print(
        f"{'prefill':38} {'variant':16} {'own among directors':>20} {'own in the pool':>16} "
        f"{'share in top 20':>16} {'by chance':>10} {'s a prompt':>11}"
    )
    for prefill in PREFILLS:
        for variant in ("raw", "per_token", "prior_corrected"):
            recommender = CatalogueLikelihood(model, catalog, variant=variant, prefill=prefill)
            among, pooled, shares, chances, seconds = [], [], [], [], []
            together = recommender.score(list(requests.values()), every)
            for d, scores in zip(directors, together, strict=True):
                among.append(auc(scores, np.isin(every, own_ids[d])))
                pool = candidate_pool(catalog, chosen.pool, include=own_ids[d], purpose=d)
                own = np.isin(pool, own_ids[d])
                started = time.perf_counter()
                (row,) = recommender.score([requests[d]], pool)
                seconds.append(time.perf_counter() - started)
                pooled.append(auc(row, own))
                shares.append(own[np.argsort(-row)[:K]].mean())
                chances.append(own.mean())
            print(
                f"{prefill!r:38} {variant:16} {np.mean(among):20.3f} {np.mean(pooled):16.3f} "
                f"{np.mean(shares):16.3f} {np.mean(chances):10.3f} "
                f"{statistics.median(seconds):11.2f}"
            )


if __name__ == "__main__":
    main()
