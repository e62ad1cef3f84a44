"""Back-ends that turn prompts into text or log-probabilities."""

from fairrec.language_models.loading import load_language_model
from fairrec.language_models.loading_readers import (
    load_masked_model,
    load_regression_model,
    load_text_encoder,
)
from fairrec.language_models.scripted import ScriptedModel, demo_model

__all__ = [
    "ScriptedModel",
    "demo_model",
    "load_language_model",
    "load_masked_model",
    "load_regression_model",
    "load_text_encoder",
]
