"""What the metrics and statistics of the exposure audit are called, beside `glossary_items`."""

from __future__ import annotations

from fairrec.reports.term import Term

_DIAZ = "Diaz et al., CIKM 2020"
_RATIO = "Singh and Joachims, KDD 2018; Raj and Ekstrand, SIGIR 2022"

EXPOSURE_METRICS = {
    "awrf_binomial": Term(
        "AWRF of one group",
        "How far one group’s share of a list’s attention is from its share of the catalogue, the "
        "others together: 0 when it has that share.",
        "|share of attention − share of the catalogue|",
        "Sapiezynski et al., WWW 2019; Raj and Ekstrand, SIGIR 2022",
    ),
    "max_skew": Term(
        "largest skew",
        "How many times its catalogue share the most favoured group of a list has, as a "
        "logarithm: 0 when every group has its share, which short lists cannot give.",
        "max over groups of ln(share of the list / share of the catalogue)",
        "Geyik, Ambler and Kenthapadi, KDD 2019",
    ),
}

EXPOSURE_STATISTICS = {
    "user_group_distance": Term(
        "attention to be moved",
        "What part of a user group’s attention would have to move for groups to see the same: 0 "
        "when they do.",
        "half the sum of |difference of shares|, the most of any two user groups",
    ),
    "impact_ratio": Term(
        "impact, ratio",
        "Lowest over highest relevance met per relevance there is: 1 is parity.",
        "min / max over groups of attention × relevance / relevance",
        _RATIO,
    ),
    "difference_unbiased": Term(
        "loss, unbiased",
        "Expected exposure loss without what few lists per request add to it by chance.",
        source=_DIAZ,
    ),
    "disparity_unbiased": Term(
        "disparity, unbiased",
        "Expected exposure disparity without what few lists per request add to it by chance.",
        source=_DIAZ,
    ),
}

for _merit, _called in (
    ("catalogue", "catalogue share"),
    ("equal", "equal share"),
    ("interactions", "share of past use"),
    ("relevance", "share of relevance"),
    ("given", "target"),
):
    EXPOSURE_STATISTICS[f"log_ratio_to_{_merit}"] = Term(
        f"log ratio to {_called}",
        f"How many times the {_called} a group’s share of exposure is, as a logarithm: 0 when it "
        "has what it deserves.",
        f"ln(share of exposure / {_called})",
        _RATIO,
    )

for _base, _name, _per in (
    ("parity", "parity", "exposure per item"),
    ("treatment_by_equal", "treatment, all alike", "exposure per group"),
    ("treatment_by_interactions", "treatment, past use", "exposure per past interaction"),
    ("treatment_by_relevance", "treatment, relevance", "exposure per relevant item"),
    ("treatment_by_given", "treatment, target", "exposure per share of the target"),
):
    for _form, _called, _meaning, _formula in (
        ("ratio", "ratio", "Lowest {} over the highest: 1 is parity.", "min / max over groups"),
        ("difference", "difference", "Highest {} less the lowest, 1 being the mean of all: 0 is "
         "parity.", "max − min over groups"),
        ("log_ratio", "log ratio", "How unequal {} is, both sides alike: 0 is parity.",
         "ln(max / min) over groups"),
        ("l2", "L2", "Distance of the groups’ {} from their mean: 0 is parity.",
         "√Σ (value − mean)² over groups"),
        ("variance", "variance", "Variance of the groups’ {}: 0 is parity.",
         "mean of (value − mean)² over groups"),
    ):  # fmt: skip
        EXPOSURE_STATISTICS[f"{_base}_{_form}"] = Term(
            f"{_name}, {_called}", _meaning.format(_per), _formula, _RATIO
        )
