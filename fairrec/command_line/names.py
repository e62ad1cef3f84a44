"""Names that the command line and the settings share; light enough for `fairrec --help`."""

from __future__ import annotations

from typing import Literal

AuditName = Literal[
    "sensitivity",
    "counterfactual",
    "implicit_cue",
    "group_utility",
    "leakage",
    "stereotype",
    "scoring",
    "exposure",
    "popularity",
    "position_bias",
    "grounding",
    "provider",
]
