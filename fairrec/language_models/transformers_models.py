"""Causal language models through transformers: from the hub, a folder, or a GGUF file.

Imports torch and transformers; import it only where a model is about to be loaded.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from transformers import AutoConfig, AutoTokenizer

from fairrec.errors import WrongUse
from fairrec.language_models.continuations import continuation_logprobs, shared_prefix_choices
from fairrec.language_models.conversation import conversation
from fairrec.language_models.packed_trie import TrieChunk, pack
from fairrec.language_models.sampling import SeededSampling
from fairrec.language_models.transformers_parts import described, generation
from fairrec.protocols import Generation, GenerationParameters, Prompt

BATCH_TOKENS = 16_384
"""Prompt and answer tokens that are generated together; padding included."""

_MODEL_FILES = (".json", ".safetensors", ".gguf", ".bin", ".jinja", ".model", ".txt")


def load_parts(
    source: str | Path,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    revision: str | None = None,
    kind: str = "CausalLM",
    **options: Any,
) -> tuple[Any, Any]:
    """Return model and tokenizer from a hub id (at a revision), a folder, or a GGUF file.

    Args:
        source: Where the model is.
        device: Where it goes.
        dtype: Of its weights.
        revision: Commit of a hub model.
        kind: What follows "AutoModelFor" in the name of the class of transformers.
        options: What else `from_pretrained` of the model is told.

    Raises:
        OSError: Nothing usable is there, or the hub cannot be reached.
    """
    path = Path(source)
    place: dict[str, Any] = {"pretrained_model_name_or_path": str(source)}
    if path.suffix == ".gguf":
        place = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    if revision is not None:
        place["revision"] = revision
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer = AutoTokenizer.from_pretrained(**place)
        auto = getattr(transformers, f"AutoModelFor{kind}")
        model = auto.from_pretrained(**place, dtype=dtype, **options)
    model.to(device)  # type: ignore[arg-type]
    return model.eval(), tokenizer


def is_encoder_decoder(source: str | Path, revision: str | None = None) -> bool:
    """Return whether a hub model or folder is an encoder-decoder; GGUF files hold none here."""
    if Path(source).suffix == ".gguf":
        return False
    options = {} if revision is None else {"revision": revision}
    return bool(AutoConfig.from_pretrained(str(source), **options).is_encoder_decoder)


def pick_device() -> str:
    """Return "cuda", "mps" or "cpu", whichever is there first (the first two untried)."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def fingerprint(folder_or_file: Path) -> str:
    """Return a hash of the names and the whole content of every file of a model.

    Part of the content would not do: a model tuned with frozen embeddings differs from its base
    in the middle of the file only, and would be given the base's recorded answers.
    """
    digest = hashlib.sha256()
    files = [folder_or_file] if folder_or_file.is_file() else sorted(folder_or_file.iterdir())
    for path in files:
        if path.suffix not in _MODEL_FILES:
            continue
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.name}\0{content}\0".encode())
    return digest.hexdigest()


class TransformersModel:
    """A causal language model, in fp32 on the CPU by default.

    In lower precision an answer changes with the batch it sits in, and that noise looks like
    discrimination; on a GPU (untried) the same default holds.

    Args:
        model: A transformers causal language model, in eval mode.
        tokenizer: Its tokenizer.
        description: Name and weights: what identifies the model in recorded answers.
    """

    def __init__(self, model: Any, tokenizer: Any, description: Mapping[str, Any]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        self.description: Mapping[str, Any] = described(
            model, description, chat_template=tokenizer.chat_template is not None
        )
        self._packed = lru_cache(maxsize=8)(self._pack)

    @classmethod
    def load(
        cls, source: str | Path, description: Mapping[str, Any], revision: str | None = None
    ) -> TransformersModel:
        """Load a model on the best device; see `load_parts` for `source` and `revision`."""
        model, tokenizer = load_parts(source, pick_device(), revision=revision)
        return cls(model, tokenizer, description)

    @property
    def module(self) -> Any:
        """The transformers model itself."""
        return self._model

    def token_ids(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt, through the chat template where there is one."""
        return self._tokens(self._chat_text(prompt)).input_ids

    def placed_tokens(self, prompt: Prompt) -> tuple[str, list[int], list[tuple[int, int]]]:
        """Return the whole text of a prompt, its tokens, and where each begins and ends in it.

        Raises:
            WrongUse: The tokenizer does not say where its tokens stand.
        """
        if not self._tokenizer.is_fast:
            raise WrongUse(
                f"{type(self._tokenizer).__name__} does not say where its tokens stand.",
                expected="a fast tokenizer: parts of a prompt are found by it.",
                do="load the model with the tokenizer.json that belongs to it.",
            )
        text = self._chat_text(prompt)
        found = self._tokens(text, return_offsets_mapping=True)
        return text, found.input_ids, found.offset_mapping

    def continuation_ids(self, continuations: Sequence[str]) -> list[list[int]]:
        """Return the tokens of continuations, the same after every prompt."""
        return self._tokenizer(list(continuations), add_special_tokens=False).input_ids

    def generate(
        self,
        prompts: Sequence[Prompt],
        parameters: GenerationParameters,
        seeds: Sequence[int] | None = None,
    ) -> list[Generation]:
        """Generate text; see `fairrec.protocols.LanguageModel`.

        Prompts of near-equal length share a batch, padded on the left.
        """
        tokens = [self.token_ids(prompt) for prompt in prompts]
        if seeds is None:
            seeds = [parameters.seed] * len(prompts)
        answers: dict[int, Generation] = {}
        for batch in self._batches(tokens, parameters.max_new_tokens):
            generated = self._generate_batch(
                [tokens[i] for i in batch], parameters, [seeds[i] for i in batch]
            )
            answers.update(zip(batch, generated, strict=True))
        return [answers[i] for i in range(len(prompts))]

    def continuation_logprobs(
        self, prompts: Sequence[Prompt], continuations: Sequence[str]
    ) -> list[list[NDArray[np.float64]]]:
        """Score continuations; see `fairrec.protocols.ScoresContinuations`.

        Prompt and continuation are tokenised apart, so that a continuation has the same
        tokens after every prompt.
        """
        return continuation_logprobs(
            self._model,
            [self.token_ids(prompt) for prompt in prompts],
            self._packed(tuple(continuations)),
            len(continuations),
        )

    def choice_logprobs(
        self, prompts: Sequence[Prompt], choices: Sequence[str]
    ) -> NDArray[np.float64]:
        """Score choices; see `fairrec.protocols.ScoresChoices`.

        The beginning that all prompts share is computed once, and what follows it, choices
        included, as one packed trie.
        """
        return shared_prefix_choices(
            self._model,
            [self.token_ids(prompt) for prompt in prompts],
            self.continuation_ids(choices),
        )

    @property
    def context_length(self) -> int:
        """See `fairrec.protocols.HasContext`."""
        return int(self._model.config.max_position_embeddings)

    def count_tokens(self, prompt: Prompt) -> int:
        """See `fairrec.protocols.HasContext`."""
        return len(self.token_ids(prompt))

    def _pack(self, continuations: tuple[str, ...]) -> list[TrieChunk]:
        return pack(self.continuation_ids(continuations))

    def _tokens(self, text: str, **options: Any) -> Any:
        special = self._tokenizer.chat_template is None
        return self._tokenizer(text, add_special_tokens=special, **options)

    def _chat_text(self, prompt: Prompt) -> str:
        if self._tokenizer.chat_template is None:
            said = [text for exchange in prompt.earlier for text in exchange]
            turns = [prompt.system, *said, prompt.user]
            return "\n\n".join(turn for turn in turns if turn) + "\n\n" + prompt.prefill
        turns = conversation(prompt)
        try:
            text = self._template(turns)
        except Exception:  # a template may refuse the system role; jinja2 raises what it likes
            if not prompt.system:
                raise
            text = self._template(conversation(prompt, system_role=False))
        return text + prompt.prefill

    def _template(self, turns: list[dict[str, str]]) -> str:
        return self._tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )

    def _batches(self, tokens: Sequence[Sequence[int]], new: int) -> list[list[int]]:
        """Return places of prompts, shortest first, in batches of at most BATCH_TOKENS."""
        batches: list[list[int]] = []
        for i in sorted(range(len(tokens)), key=lambda i: len(tokens[i])):
            size = len(tokens[i]) + new
            if batches and (len(batches[-1]) + 1) * size <= BATCH_TOKENS:
                batches[-1].append(i)
            else:
                batches.append([i])
        return batches

    @torch.inference_mode()
    def _generate_batch(
        self, tokens: list[list[int]], parameters: GenerationParameters, seeds: list[int]
    ) -> list[Generation]:
        longest = max(map(len, tokens))
        pad = self._tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (longest - len(t)) + t for t in tokens])
        mask = torch.tensor([[0] * (longest - len(t)) + [1] * len(t) for t in tokens])
        options: dict[str, Any] = {}
        if parameters.stop:
            options = {"stop_strings": list(parameters.stop), "tokenizer": self._tokenizer}
        if parameters.temperature > 0:
            options["logits_processor"] = transformers.LogitsProcessorList(
                [SeededSampling(parameters.temperature, parameters.top_p, seeds)]
            )
        output = self._model.generate(
            input_ids=ids.to(self._model.device),
            attention_mask=mask.to(self._model.device),
            max_new_tokens=parameters.max_new_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=pad,
            **options,
        )[:, longest:].tolist()
        return [
            generation(self._model, self._tokenizer, new, len(t), parameters)
            for new, t in zip(output, tokens, strict=True)
        ]
