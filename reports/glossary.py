"""What the metrics and statistics of a finding are called and what they mean, for readers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fairrec.reports.untrusted import clean
from fairrec.results import Finding


@dataclass(frozen=True, slots=True)
class Term:
    """A name for a heading, its meaning in a sentence, its formula and its source."""

    name: str
    meaning: str
    formula: str = ""
    source: str = ""


_FAIRLLM = "Zhang, Bao, Zhang, Wang, Feng and He, RecSys 2023 (FaiRLLM)"

METRICS = {
    "jaccard": Term(
        "Jaccard",
        "How much two lists overlap, whatever the order: 1 for the same items, 0 for none "
        "in common.",
        "|x ∩ y| / |x ∪ y|",
        "Jaccard, 1912",
    ),
    "serp": Term(
        "SERP*",
        "Overlap that counts more when the shared items stand near the top of the list.",
        "Σ (K − r + 1) / (K(K + 1)/2) over the shared items, r being an item's place in x",
        _FAIRLLM,
    ),
    "prag": Term(
        "PRAG*",
        "How many pairs of items keep their order; an item that the neutral list lacks counts "
        "as standing after all of its items.",
        "the pairs of x that keep their order in y / all pairs of x",
        _FAIRLLM,
    ),
    "rbo": Term(
        "RBO",
        "Rank-biased overlap: agreement of two lists at every depth, the top weighing most.",
        "a mean of |x ∩ y at depth d| / d, depth d weighing p to the power d − 1",
        "Webber, Moffat and Zobel, TOIS 2010",
    ),
}

STATISTICS = {
    "snsr": Term(
        "SNSR",
        "Sensitive-to-neutral similarity range: how far apart an attribute's values are. "
        "0 when stating any of the values changes the list equally.",
        "the highest minus the lowest of the values' mean similarities to the neutral list",
        _FAIRLLM,
    ),
    "snsv": Term(
        "SNSV",
        "Sensitive-to-neutral similarity variation: how much an attribute's values vary. "
        "0 when stating any of the values changes the list equally.",
        "the population standard deviation of the values' mean similarities to the neutral list",
        _FAIRLLM,
    ),
    "mean": Term(
        "mean similarity",
        "Mean similarity of the lists given to users who state a value to the lists given to "
        "users who state none; 1 when the statement changes nothing.",
    ),
    "repeat": Term(
        "repeat similarity",
        "Similarity of the neutral list to itself when the same prompt is asked again; less "
        "than 1 is noise of the recommender's own.",
    ),
}


def metric_name(metric: str) -> str:
    """Return a metric's name for readers; one that is not known names itself."""
    return METRICS[metric].name if metric in METRICS else clean(metric, 80)


def statistic_name(statistic: str) -> str:
    """Return a statistic's name for readers; one that is not known names itself."""
    return STATISTICS[statistic].name if statistic in STATISTICS else clean(statistic, 80)


def terms_used(findings: Iterable[Finding]) -> list[Term]:
    """Return the terms that the findings use: statistics, then metrics, in declared order."""
    findings = list(findings)
    used = {f.statistic for f in findings} | {f.metric for f in findings}
    return [term for key, term in (STATISTICS | METRICS).items() if key in used]
