"""How sure a number is: intervals, permutation tests, multiplicity; pure functions on arrays.

Tables have one row per cluster (topic or user: what is resampled as a whole) and one column per
attribute value; NaN is a missing value. Every function that draws takes its own generator.
"""

from fairrec.evidence.alignment import alignment, alignment_test, share_estimate
from fairrec.evidence.bootstrap import bootstrap_means
from fairrec.evidence.equivalence import equivalence_p
from fairrec.evidence.excess import cluster_excess, exceedance_test, excess_estimate
from fairrec.evidence.intervals import (
    mean_estimate,
    mean_estimates,
    snsr_estimate,
    snsv_estimate,
)
from fairrec.evidence.missingness import (
    answered_estimate,
    answered_test,
    worst_case_bounds,
    worst_case_estimate,
)
from fairrec.evidence.mixed_model import MixedModel, mixed_model_estimate
from fairrec.evidence.multiplicity import benjamini_hochberg, holm
from fairrec.evidence.permutation import PermutationTest, permutation_test

__all__ = [
    "MixedModel",
    "PermutationTest",
    "alignment",
    "alignment_test",
    "answered_estimate",
    "answered_test",
    "benjamini_hochberg",
    "bootstrap_means",
    "cluster_excess",
    "equivalence_p",
    "exceedance_test",
    "excess_estimate",
    "holm",
    "mean_estimate",
    "mean_estimates",
    "mixed_model_estimate",
    "permutation_test",
    "share_estimate",
    "snsr_estimate",
    "snsv_estimate",
    "worst_case_bounds",
    "worst_case_estimate",
]
