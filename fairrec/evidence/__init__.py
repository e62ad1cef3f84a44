"""How sure a number is: intervals, permutation tests, multiplicity; pure functions on arrays.

Tables have one row per cluster (topic or user: what is resampled as a whole) and one column per
attribute value; NaN is a missing value. Every function that draws takes its own generator.
"""

from fairrec.evidence.bootstrap import bootstrap_means
from fairrec.evidence.intervals import (
    mean_estimate,
    mean_estimates,
    snsr_estimate,
    snsv_estimate,
)
from fairrec.evidence.multiplicity import benjamini_hochberg, holm
from fairrec.evidence.permutation import PermutationTest, permutation_test

__all__ = [
    "PermutationTest",
    "benjamini_hochberg",
    "bootstrap_means",
    "holm",
    "mean_estimate",
    "mean_estimates",
    "permutation_test",
    "snsr_estimate",
    "snsv_estimate",
]
