"""What the metrics and statistics of a finding are called and what they mean, for readers."""

from __future__ import annotations

from collections.abc import Iterable

from fairrec.reports.glossary_exposure import EXPOSURE_METRICS, EXPOSURE_STATISTICS
from fairrec.reports.glossary_items import ITEM_METRICS, ITEM_STATISTICS
from fairrec.reports.glossary_popularity import POPULARITY_METRICS, POPULARITY_STATISTICS
from fairrec.reports.term import Term
from fairrec.reports.untrusted import clean
from fairrec.results import Finding

_FAIRLLM = "Zhang, Bao, Zhang, Wang, Feng and He, RecSys 2023 (FaiRLLM)"
_CFAIRLLM = "Deldjoo and Di Noia, 2024 (CFaiRLLM)"
_UP5 = "Hua et al., EACL 2024 (UP5)"

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
    "rank_moves": Term(
        "rank moves",
        "Mean number of places that an item moves between two lists; an item that one of them "
        "lacks counts as standing just below it. 0 for equal lists.",
        "mean of |rank in x − rank in y| over the items of either list, absent at rank k + 1",
        "Fagin, Kumar and Sivakumar, SIAM J. Discrete Mathematics 2003",
    ),
    "hit_rate": Term(
        "hit rate", "Share of users with an item among the first k that they went on to like."
    ),
    "ndcg": Term(
        "NDCG",
        "How many items that the user went on to like are in the list, and how near its top: 1 "
        "for the best list there can be.",
        "Σ hit at rank r / log2(r + 1), divided by the most that it could be",
        "Järvelin and Kekäläinen, TOIS 2002",
    ),
    "recall": Term("recall", "Share of the items a user went on to like that the list holds."),
    "reciprocal_rank": Term(
        "reciprocal rank",
        "1 / rank of the first item that the user went on to like, 0 without one; its mean is MRR.",
        source="Voorhees, TREC-8 1999",
    ),
    "coverage": Term("coverage", "Share of the catalogue that a group’s lists hold between them."),
    "alignment": Term(
        "alignment",
        "Overlap (Jaccard) of a list with the items that the user went on to like.",
        source=_CFAIRLLM,
    ),
    "answered": Term(
        "answered requests",
        "Share of requests that were answered with a list: refusals and answers that cannot be "
        "read are counted, and whom they befall.",
    ),
    "score": Term("score", "Score of a candidate, as the recommender gave it."),
    "selection_rate": Term(
        "selection rate",
        "Share of candidates whose score reaches the threshold. Its gap is that of statistical "
        "parity.",
    ),
    "true_positive_rate": Term(
        "true positive rate",
        "Share of the truly relevant candidates that are selected. Its gap is that of equal "
        "opportunity.",
        source="Hardt, Price and Srebro, NeurIPS 2016",
    ),
    "positive_predictive_value": Term(
        "positive predictive value", "Share of the selected candidates that are truly relevant."
    ),
    "false_positive_rate": Term(
        "false positive rate", "Share of the irrelevant candidates that are selected."
    ),
    "equalized_odds": Term(
        "equalized odds",
        "True and false positive rates together: the larger of their two gaps.",
        source="Hardt, Price and Srebro, NeurIPS 2016",
    ),
    "score_change": Term(
        "change of score",
        "How far a candidate’s score moves from the neutral one, in either direction.",
    ),
} | {
    f"{what}_{model}": Term(
        f"{what}, {name}", f"An attacker that learns from {what} by {name}.", source=_UP5
    )
    for what in ("lists", "scores", "embeddings")
    for model, name in (("logistic", "logistic regression"), ("boosting", "gradient boosting"))
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
    "stated_similarity": Term(
        "neutral to stated", "Mean similarity of the list for a stated value to the neutral list."
    ),
    "flip_similarity": Term(
        "own to other value",
        "Mean similarity of the list for another value to the list for the user’s own.",
    ),
    "placebo": Term(
        "placebo similarity",
        "Mean similarity of the list for an irrelevant statement to the neutral list.",
    ),
    "worst_case": Term(
        "range, worst case",
        "Range of the values’ means; the interval holds whatever the missing lists would have "
        "been.",
        source="Manski, American Economic Review 1990",
    ),
    "range": Term("range", "The highest minus the lowest of the values’ means."),
    "nsd": Term(
        "benefit, neutral to own value",
        "Benefit with the user’s own value stated less the benefit with nothing stated.",
        source=_CFAIRLLM,
    ),
    "ncsd": Term(
        "benefit, own to other value",
        "Benefit with another value stated less the benefit with the user’s own.",
        source=_CFAIRLLM,
    ),
    "nsd_gap": Term(
        "gap of benefit, neutral to own value",
        "How much more one group’s benefit changes than another’s; Welch’s test.",
        source=_CFAIRLLM,
    ),
    "ncsd_gap": Term(
        "gap of benefit, own to other value",
        "How much more one group’s benefit changes than another’s; Welch’s test.",
        source=_CFAIRLLM,
    ),
    "neutral": Term("mean with nothing stated", "Mean over users."),
    "factual": Term("mean with the own value stated", "Mean over users."),
    "counterfactual": Term("mean with another value stated", "Mean over users."),
    "as_if": Term(
        "alignment with the hinted value",
        "How much more the list for a cue resembles the list for the value it hints at than those "
        "for other values; 0 when the cue is not acted on. Cues are permuted for its test.",
    ),
    "stated_as_if": Term(
        "alignment of the statement itself",
        "The same for the statement asked again: as much as there is for a cue to reproduce.",
    ),
    "effect_share": Term(
        "share of the stated effect",
        "What part of a statement’s own alignment a mere cue reaches: 1 when it does as much.",
        "alignment of the cue / alignment of the statement asked again",
    ),
    "group_utility:mean": Term("group mean", "Mean over the users of a group."),
    "group_utility:range": Term(
        "range over users", "The best served user’s utility less the worst served one’s."
    ),
    "difference": Term(
        "difference between groups",
        "Highest group mean less the lowest: 0 when all groups are served alike. Its noise "
        "floor is the same with the group labels shuffled.",
    ),
    "ratio": Term("ratio between groups", "Lowest group mean over the highest; 1 when all agree."),
    "min": Term("worst-off group", "Mean of the group that is served worst."),
    "max": Term("best-off group", "Mean of the group that is served best."),
    "f_statistic": Term(
        "F",
        "Variance between groups over variance within them; about 1 when groups do not differ.",
        source="Fisher, 1925",
    ),
    "worst_quarter": Term("worst quarter", "Mean utility of the quarter of users served worst."),
    "sd": Term("standard deviation", "Spread of utility among users."),
    "mad": Term(
        "mean absolute difference", "Mean of |difference| over pairs of users.", source="Gini, 1912"
    ),
    "gini": Term(
        "Gini", "Inequality among users: 0 when all are served alike, 1 when one has it all."
    ),
    "atkinson": Term(
        "Atkinson",
        "Inequality among users, the worst served weighing more (ε = 0.5): 0 when all are alike.",
        "1 − (mean of √x)² / mean of x",
        "Atkinson, Journal of Economic Theory 1970",
    ),
    "cv": Term("coefficient of variation", "Standard deviation over mean, among users."),
    "generalised_entropy": Term(
        "generalised entropy",
        "Inequality among users (α = 2): 0 when all are served alike.",
        "half the squared coefficient of variation",
        "Speicher et al., KDD 2018",
    ),
    "score_difference": Term(
        "difference of scores",
        "Mean change of the same candidates’ scores when the value is stated.",
    ),
    "statistical_parity_gap": Term(
        "statistical parity gap",
        "Highest selection rate of a value less the lowest: 0 when all are selected alike.",
    ),
    "equal_opportunity_gap": Term(
        "equal opportunity gap",
        "The same of the true positive rate.",
        source="Hardt, Price and Srebro, NeurIPS 2016",
    ),
    "predictive_equality_gap": Term(
        "predictive equality gap",
        "The same of the false positive rate.",
        source="Corbett-Davies et al., KDD 2017",
    ),
    "predictive_parity_gap": Term(
        "predictive parity gap",
        "The same of the positive predictive value.",
        source="Chouldechova, Big Data 2017",
    ),
    "rate": Term("rate", "Share among all candidates of all users, for a stated value."),
    "scoring:ratio": Term(
        "demographic parity ratio", "Lowest selection rate of a value over the highest."
    ),
    "scoring:difference": Term("difference", "Highest rate of a value less the lowest."),
    "scoring:mean": Term("mean", "Mean over users."),
    "scoring:repeat": Term("mean when asked again", "Mean over users: noise of its own."),
    "scoring:stated_excess": Term(
        "excess", "How much more scores move when a value is stated than when asked again."
    ),
    "auc": Term(
        "AUC",
        "Chance that the attacker ranks a user with the value above one without it (macro "
        "one-versus-rest for several values); 0.5 is guessing.",
        source=_UP5,
    ),
    "advantage": Term("advantage", "How far an attacker is from guessing.", "|AUC − 0.5|", _UP5),
    "jsd": Term(
        "JSD",
        "How far apart the values’ shares of item groups lie, in bits: 0 when all get the same.",
        "H(Σ w P) − Σ w H(P), H being entropy to base 2",
        "Lin, IEEE Transactions on Information Theory 1991",
    ),
    "share": Term(
        "share",
        "Mean share of a list that a group of items has.",
        source="Salinas et al., EAAMO 2023",
    ),
    "log_odds": Term(
        "log-odds",
        "Whether a group of items, or an item, is recommended more for this value than for the "
        "others: 0 as often, above 0 more often. Shrunk by an informative prior.",
        source="Monroe, Colaresi and Quinn, Political Analysis 2008",
    ),
}

for _kind, _words in (
    ("stated", "Similarity lost between the neutral list and the list for a stated value"),
    ("flip", "Similarity lost between the list for the user’s own value and that for another"),
):
    for _over, _floor in (
        ("", "when the same is asked again"),
        ("_over_placebo", "when something irrelevant is stated"),
    ):
        _name = f"excess, {'neutral to stated' if _kind == 'stated' else 'own to other value'}"
        _name += ", over placebos" if _over else ""
        STATISTICS[f"{_kind}_excess{_over}"] = Term(
            _name, f"{_words}, beyond what is lost {_floor}: 0 when stating it changes no more."
        )
        STATISTICS[f"{_kind}_excess{_over}_mixed"] = Term(
            f"{_name}, mixed model",
            "The same, wordings of the prompt being a sample too: a linear mixed model with "
            "crossed random effects of user and wording.",
        )

METRICS |= EXPOSURE_METRICS | ITEM_METRICS | POPULARITY_METRICS
STATISTICS |= EXPOSURE_STATISTICS | ITEM_STATISTICS | POPULARITY_STATISTICS


def metric_name(metric: str) -> str:
    """Return a metric's name for readers; one that is not known names itself."""
    whole, _, cutoff = metric.partition("_at_")
    if whole in METRICS and cutoff.isdecimal():
        return f"{METRICS[whole].name} at {cutoff}"
    return METRICS[metric].name if metric in METRICS else clean(metric, 80)


def statistic_name(statistic: str, audit: str = "") -> str:
    """Return a statistic's name for readers; one that is not known names itself."""
    term = _statistic(statistic, audit)
    return term.name if term is not None else clean(statistic, 80)


def _statistic(statistic: str, audit: str) -> Term | None:
    return STATISTICS.get(f"{audit}:{statistic}", STATISTICS.get(statistic))


def terms_used(findings: Iterable[Finding]) -> list[Term]:
    """Return the terms that the findings use: statistics, then metrics, in declared order."""
    findings = list(findings)
    metrics = {f.metric for f in findings}
    used = [_statistic(f.statistic, f.audit) for f in findings]
    return [
        *(term for term in STATISTICS.values() if term in used),
        *(term for key, term in METRICS.items() if key in metrics),
    ]
