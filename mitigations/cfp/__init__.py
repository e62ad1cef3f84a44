"""Counterfactually fair prompting: trained prefixes that hide sensitive attributes.

Imports torch and transformers.
"""

from fairrec.mitigations.cfp.fair_prompt import CounterfactuallyFairPrompt
from fairrec.mitigations.cfp.settings import FairPromptSettings

__all__ = ["CounterfactuallyFairPrompt", "FairPromptSettings"]
