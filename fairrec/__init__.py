"""Audit any LLM recommender for fairness, with uncertainty, and mitigate what you find.

Names are imported where they are first used, so `import fairrec` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_EXPORTS = {
    "AttributeLeakageAudit": "fairrec.audits",
    "AuditResult": "fairrec.results",
    "Catalog": "fairrec.catalogs",
    "CatalogueLikelihood": "fairrec.recommenders",
    "CounterfactualAudit": "fairrec.audits",
    "ExposureAudit": "fairrec.audits",
    "GroundingAudit": "fairrec.audits",
    "GroupUtilityAudit": "fairrec.audits",
    "ImplicitCueAudit": "fairrec.audits",
    "OpenGeneration": "fairrec.recommenders",
    "PopularityAudit": "fairrec.audits",
    "PositionBiasAudit": "fairrec.audits",
    "ProviderAudit": "fairrec.audits",
    "Ranking": "fairrec.types",
    "RecordedRecommender": "fairrec.recordings",
    "Request": "fairrec.types",
    "ResponseStore": "fairrec.running",
    "ScoringAudit": "fairrec.audits",
    "SensitivityAudit": "fairrec.audits",
    "StereotypeAudit": "fairrec.audits",
    "User": "fairrec.users",
    "artists": "fairrec.catalogs",
    "as_recommender": "fairrec.recommenders",
    "films": "fairrec.catalogs",
    "judge_log": "fairrec.audits.impression_log",
    "load_language_model": "fairrec.language_models",
    "parse_gate": "fairrec.gates",
    "read_catalog": "fairrec.catalogs",
    "read_dataset": "fairrec.datasets",
    "read_recording": "fairrec.recordings",
    "read_words": "fairrec.prompts",
    "run_audit": "fairrec.running",
    "write_report": "fairrec.reports",
}

__all__ = [
    "AttributeLeakageAudit",
    "AuditResult",
    "Catalog",
    "CatalogueLikelihood",
    "CounterfactualAudit",
    "ExposureAudit",
    "GroundingAudit",
    "GroupUtilityAudit",
    "ImplicitCueAudit",
    "OpenGeneration",
    "PopularityAudit",
    "PositionBiasAudit",
    "ProviderAudit",
    "Ranking",
    "RecordedRecommender",
    "Request",
    "ResponseStore",
    "ScoringAudit",
    "SensitivityAudit",
    "StereotypeAudit",
    "User",
    "__version__",
    "artists",
    "as_recommender",
    "films",
    "judge_log",
    "load_language_model",
    "parse_gate",
    "read_catalog",
    "read_dataset",
    "read_recording",
    "read_words",
    "run_audit",
    "write_report",
]

if TYPE_CHECKING:
    from fairrec.audits import (
        AttributeLeakageAudit,
        CounterfactualAudit,
        ExposureAudit,
        GroundingAudit,
        GroupUtilityAudit,
        ImplicitCueAudit,
        PopularityAudit,
        PositionBiasAudit,
        ProviderAudit,
        ScoringAudit,
        SensitivityAudit,
        StereotypeAudit,
    )
    from fairrec.audits.impression_log import judge_log
    from fairrec.catalogs import Catalog, artists, films, read_catalog
    from fairrec.datasets import read_dataset
    from fairrec.gates import parse_gate
    from fairrec.language_models import load_language_model
    from fairrec.prompts import read_words
    from fairrec.recommenders import CatalogueLikelihood, OpenGeneration, as_recommender
    from fairrec.recordings import RecordedRecommender, read_recording
    from fairrec.reports import write_report
    from fairrec.results import AuditResult
    from fairrec.running import ResponseStore, run_audit
    from fairrec.types import Ranking, Request
    from fairrec.users import User


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'fairrec' has no attribute {name!r}")
    value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
