"""Mitigations: recommenders around recommenders, and objects changed in place."""

from fairrec.mitigations.conformal import ConformalFairness
from fairrec.mitigations.mitigation import Mitigation, RewritesRequests
from fairrec.mitigations.popularity_correction import PopularityCorrection, PriorCorrection
from fairrec.mitigations.prompting.counterfactual_ensemble import CounterfactualEnsemble
from fairrec.mitigations.prompting.history_focus import HistoryFocus
from fairrec.mitigations.prompting.instruction import FairInstruction, PopularityPrompt
from fairrec.mitigations.prompting.order_bootstrap import OrderBootstrap
from fairrec.mitigations.prompting.redaction import AttributeRedaction
from fairrec.mitigations.prompting.stella import StellaCalibration
from fairrec.mitigations.rerankers.amortised import AmortisedAttention
from fairrec.mitigations.rerankers.calibrated import Calibrated
from fairrec.mitigations.rerankers.cpfair import CPFair
from fairrec.mitigations.rerankers.det_const_sort import DetConstSort
from fairrec.mitigations.rerankers.det_greedy import DetCons, DetGreedy, DetRelaxed
from fairrec.mitigations.rerankers.exposure import ExposureLP
from fairrec.mitigations.rerankers.fa_ir import FAIR
from fairrec.mitigations.rerankers.fairco import FairCo
from fairrec.mitigations.rerankers.fairrec_plus import FairRecPlus
from fairrec.mitigations.rerankers.fairsync import FairSync
from fairrec.mitigations.rerankers.far import FAR
from fairrec.mitigations.rerankers.gini_welfare import GiniWelfare
from fairrec.mitigations.rerankers.grounding_penalty import GroundingPenalty
from fairrec.mitigations.rerankers.min_regulariser import MinRegulariser
from fairrec.mitigations.rerankers.mmr import MMR
from fairrec.mitigations.rerankers.multinomial_fa_ir import MultinomialFAIR
from fairrec.mitigations.rerankers.ofair import OFAiR
from fairrec.mitigations.rerankers.p_mmf import PMMF
from fairrec.mitigations.rerankers.taxrank import TaxRank
from fairrec.mitigations.rerankers.tfrom import TFROM
from fairrec.mitigations.rerankers.tfrom_online import OnlineTFROM
from fairrec.mitigations.rerankers.two_sided_allocation import FairRec
from fairrec.mitigations.rerankers.welfare import Welf
from fairrec.mitigations.rerankers.xquad import XQuAD

_ALL: tuple[type[Mitigation], ...] = (
    FAIR,
    FAR,
    MMR,
    PMMF,
    TFROM,
    AmortisedAttention,
    AttributeRedaction,
    CPFair,
    Calibrated,
    ConformalFairness,
    CounterfactualEnsemble,
    DetCons,
    DetConstSort,
    DetGreedy,
    DetRelaxed,
    ExposureLP,
    FairCo,
    FairInstruction,
    FairRec,
    FairRecPlus,
    FairSync,
    GiniWelfare,
    GroundingPenalty,
    HistoryFocus,
    MinRegulariser,
    MultinomialFAIR,
    OFAiR,
    OnlineTFROM,
    OrderBootstrap,
    PopularityCorrection,
    PopularityPrompt,
    PriorCorrection,
    StellaCalibration,
    TaxRank,
    Welf,
    XQuAD,
)

MITIGATIONS: dict[str, type[Mitigation]] = {kind.name: kind for kind in _ALL}
"""All mitigations by the name that commands and settings use."""

__all__ = [
    "FAIR",
    "FAR",
    "MITIGATIONS",
    "MMR",
    "PMMF",
    "TFROM",
    "AmortisedAttention",
    "AttributeRedaction",
    "CPFair",
    "Calibrated",
    "ConformalFairness",
    "CounterfactualEnsemble",
    "DetCons",
    "DetConstSort",
    "DetGreedy",
    "DetRelaxed",
    "ExposureLP",
    "FairCo",
    "FairInstruction",
    "FairRec",
    "FairRecPlus",
    "FairSync",
    "GiniWelfare",
    "GroundingPenalty",
    "HistoryFocus",
    "MinRegulariser",
    "Mitigation",
    "MultinomialFAIR",
    "OFAiR",
    "OnlineTFROM",
    "OrderBootstrap",
    "PopularityCorrection",
    "PopularityPrompt",
    "PriorCorrection",
    "RewritesRequests",
    "StellaCalibration",
    "TaxRank",
    "Welf",
    "XQuAD",
]
