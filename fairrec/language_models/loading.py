"""From the name of a language model to the model."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib import util
from pathlib import Path

from fairrec.errors import ModelUnavailable, WrongUse
from fairrec.language_models import default_model
from fairrec.language_models.scripted import demo_model
from fairrec.protocols import LanguageModel

ACCEPTED = (
    "default, demo, hf:ORG/NAME, a model folder such as ./folder, a .gguf file, openai:MODEL, "
    "openai:MODEL@URL, litellm:MODEL or vllm:ORG/NAME"
)

_SERVED = ("openai:", "litellm:", "vllm:")


def load_language_model(
    spec: str = "default", *, say: Callable[[str], None] = lambda line: None
) -> LanguageModel:
    """Return the language model that `spec` names.

    Args:
        spec: "default" (SmolLM2-135M-Instruct, downloaded once), "demo" (a scripted fake),
            "hf:ORG/NAME", the path of a model folder, or of a GGUF file; "openai:MODEL@URL" for a
            server that speaks OpenAI's protocol (without URL: OPENAI_BASE_URL, or OpenAI),
            "litellm:MODEL", or "vllm:ORG/NAME" for vLLM in this process (untried).
        say: Told, in one line each, of what takes long.

    Raises:
        WrongUse: `spec` is none of these, or the path holds no model.
        ModelUnavailable: The extra "local" is not installed, or the model cannot be had.
    """
    if spec == "demo":
        return demo_model()
    if spec == "default":
        _need_transformers()
        folder = default_model.obtain(say)
        identity = {"name": default_model.NAME, "sha256": default_model.GGUF_SHA256}
        return _load(str(folder), spec, identity)
    if spec.startswith("hf:"):
        _need_transformers()
        name = spec[3:]
        say(f"loading {name} from the Hugging Face hub ...")
        return _load(name, spec, {"name": name, "revision": _revision(name, spec)})
    if spec.startswith(_SERVED):
        return _served(spec)
    path = Path(spec).expanduser()
    if path.suffix != ".gguf" and not path.is_dir():
        raise _unknown(spec)
    source = _model_in(path)
    _need_transformers()
    from fairrec.language_models.transformers_models import fingerprint

    return _load(str(source), spec, {"name": path.name, "fingerprint": fingerprint(path)})


def _served(spec: str) -> LanguageModel:
    """Return a model that something else runs; nothing is asked of it yet."""
    kind, _, name = spec.partition(":")
    if not name.partition("@")[0]:
        raise _unknown(spec)
    if kind == "openai":
        from fairrec.language_models.openai_server import OpenAIServer

        model, _, url = name.partition("@")
        return OpenAIServer(model, url or None)
    if kind == "litellm":
        from fairrec.language_models.litellm_model import LiteLLMModel

        return LiteLLMModel(name)
    from fairrec.language_models.vllm_model import VllmModel

    return VllmModel(name)


def cached_models() -> list[str]:
    """Return the default model's folder, in a list, if it is there."""
    folder = default_model.converted_folder(default_model.cache_folder())
    return [str(folder)] if folder.is_dir() else []


def _load(source: str, spec: str, identity: dict[str, str]) -> LanguageModel:
    from fairrec.language_models.transformers_models import (
        TransformersModel,
        is_encoder_decoder,
        load_parts,
        pick_device,
    )

    revision = identity.get("revision")
    try:
        if is_encoder_decoder(source, revision):
            from fairrec.language_models.seq2seq import Seq2SeqModel

            model, tokenizer = load_parts(
                source, pick_device(), revision=revision, kind="Seq2SeqLM"
            )
            return Seq2SeqModel(model, tokenizer, identity)
        return TransformersModel.load(source, identity, revision)
    except Exception as error:  # the readers of damaged files raise what they like
        raise _unreadable(spec, error) from error


def _revision(name: str, spec: str) -> str:
    """Return the commit of a hub model: a name alone does not say which weights answered."""
    from huggingface_hub import hf_hub_download

    try:
        # The cache keeps each commit's files in a folder named after it.
        return Path(hf_hub_download(name, "config.json")).parent.name
    except Exception as error:  # offline, unknown, private, or not a valid name
        raise _unreadable(spec, error) from error


def _unreadable(spec: str, error: Exception) -> ModelUnavailable:
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return ModelUnavailable(
        f"the model {spec!r} could not be loaded: {reason}",
        expected="a language model that transformers can read.",
        do="check the name, the network (a hub model is fetched at first use) and the "
        "folder; `fairrec doctor` says what is installed.",
    )


def _model_in(path: Path) -> Path:
    """Return the file or folder to load from."""
    if path.suffix == ".gguf":
        if path.is_file():
            return path
        raise _unknown(str(path))
    if (path / "config.json").is_file():
        return path
    ggufs = sorted(path.glob("*.gguf"))
    if len(ggufs) == 1:
        return ggufs[0]
    held = ", ".join(gguf.name for gguf in ggufs) or "neither"
    raise WrongUse(
        f"the folder {path} holds {held}.",
        expected="config.json with weights, or exactly one .gguf file.",
        do="name the file itself, or another folder.",
    )


def _unknown(spec: str) -> WrongUse:
    if spec.endswith(".gguf") or spec.startswith((".", "/", "~")):
        hint = "check the path."
    else:
        word, _, rest = spec.partition(":")
        close = difflib.get_close_matches(
            word, ("default", "demo", "hf", "openai", "litellm", "vllm"), 1
        )
        better = (f"{close[0]}:{rest}" if rest else close[0]) if close else f"hf:{spec}"
        hint = f"did you mean {better!r}?"
    return WrongUse(f"there is no model {spec!r}.", expected=f"{ACCEPTED}.", do=hint)


def _need_transformers() -> None:
    missing = [name for name in ("torch", "transformers", "gguf") if not util.find_spec(name)]
    if missing:
        raise ModelUnavailable(
            f"{' and '.join(missing)} cannot be imported.",
            expected="the extra 'local', which local models need.",
            do="pip install 'fairrec[local]', or try the scripted fake: --model demo",
        )
