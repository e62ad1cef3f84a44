"""A language model that recommends to everybody alike: the counterfactual ensemble, audited.

    python examples/counterfactual_ensemble.py [--model default] [--topics 12] [--attribute gender]

The model is audited for sensitivity to an attribute, wrapped, and audited again. The effect is 0 by
construction; what it costs is printed: calls, time, and how much of each list is kept. Answers are
recorded, so the second audit asks only what the first has not.
"""

from __future__ import annotations

import argparse

from fairrec import CatalogueLikelihood, SensitivityAudit, films, load_language_model
from fairrec.catalogs.pools import candidate_pool
from fairrec.catalogs.topics import frequent_values
from fairrec.mitigations import CounterfactualEnsemble
from fairrec.prompts import attribute, template
from fairrec.running import ResponseStore, ask
from fairrec.running.comparison import Comparison, compare_answers


def before_and_after(model: str, topics: int, name: str, k: int = 10, pool: int = 40) -> Comparison:
    """Audit a model as it is and inside the ensemble, and return what changed."""
    catalog = films()
    directors = frequent_values(catalog, "director", minimum_items=5, n=topics)
    audit = SensitivityAudit(
        topics=directors,
        attributes=[attribute(name)],
        template=template("movie"),
        candidates={
            topic: candidate_pool(catalog, pool, seed=0, purpose=topic) for topic in directors
        },
        k=k,
        draws=1_000,
    )
    recommender = CatalogueLikelihood(load_language_model(model), catalog)
    probes, store = audit.plan(), ResponseStore(None)
    before = ask(probes, recommender, store)
    wrapped = CounterfactualEnsemble(attribute=name).wrap(recommender)
    after = ask(probes, wrapped, store)
    return compare_answers(audit, probes, before, after)


def main() -> None:
    """Print what changed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="default")
    parser.add_argument("--topics", type=int, default=12)
    parser.add_argument("--attribute", default="gender")
    args = parser.parse_args()
    found = before_and_after(args.model, args.topics, args.attribute)
    ids = [f"sensitivity.{args.attribute}.{metric}.snsr" for metric in ("jaccard", "serp", "prag")]
    for id in (*ids, "utility.items_kept", "cost.calls", "cost.seconds"):
        change = found.change(id)
        e = change.difference
        print(
            f"{id:<36}{change.before:8.3f} -> {change.after:6.3f}   [{e.low:+.3f}, {e.high:+.3f}]"
        )


if __name__ == "__main__":
    main()
