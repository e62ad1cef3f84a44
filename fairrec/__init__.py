"""Audit any LLM recommender for fairness, with uncertainty, and mitigate what you find.

Names are imported where they are first used, so `import fairrec` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_EXPORTS = {
    "AuditResult": "fairrec.results",
    "Catalog": "fairrec.catalogs",
    "CatalogueLikelihood": "fairrec.recommenders",
    "OpenGeneration": "fairrec.recommenders",
    "Ranking": "fairrec.types",
    "Request": "fairrec.types",
    "ResponseStore": "fairrec.running",
    "SensitivityAudit": "fairrec.audits",
    "as_recommender": "fairrec.recommenders",
    "films": "fairrec.catalogs",
    "load_language_model": "fairrec.language_models",
    "parse_gate": "fairrec.gates",
    "read_catalog": "fairrec.catalogs",
    "run_audit": "fairrec.running",
    "write_report": "fairrec.reports",
}

__all__ = [
    "AuditResult",
    "Catalog",
    "CatalogueLikelihood",
    "OpenGeneration",
    "Ranking",
    "Request",
    "ResponseStore",
    "SensitivityAudit",
    "__version__",
    "as_recommender",
    "films",
    "load_language_model",
    "parse_gate",
    "read_catalog",
    "run_audit",
    "write_report",
]

if TYPE_CHECKING:
    from fairrec.audits import SensitivityAudit
    from fairrec.catalogs import Catalog, films, read_catalog
    from fairrec.gates import parse_gate
    from fairrec.language_models import load_language_model
    from fairrec.recommenders import CatalogueLikelihood, OpenGeneration, as_recommender
    from fairrec.reports import write_report
    from fairrec.results import AuditResult
    from fairrec.running import ResponseStore, run_audit
    from fairrec.types import Ranking, Request


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'fairrec' has no attribute {name!r}")
    value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
