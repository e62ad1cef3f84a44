"""The real default model: shared work changes nothing, neighbours change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from fairrec.catalogs import films
from fairrec.protocols import (
    GenerationParameters,
    LanguageModel,
    Prompt,
    ScoresContinuations,
)

pytestmark = pytest.mark.model

SYSTEM = "You are a movie recommendation system."
PROMPTS = [
    Prompt("I am a fan of Tim Burton. Please recommend a movie.", SYSTEM, "1."),
    Prompt("I am a girl fan of Tim Burton. Please recommend a movie.", SYSTEM, "1."),
    Prompt("Name a colour.", None, ""),
]
TITLES = [f" {title}" for title in films().titles[::90]] + [" Alien", " Aliens", " Alien"]


@torch.inference_mode()
def plain_logprobs(model: Any, prompt: Prompt, text: str) -> np.ndarray:
    """One forward for one continuation, nothing shared."""
    head = model.token_ids(prompt)
    tail = model._tokenizer(text, add_special_tokens=False).input_ids
    logits = model._model(torch.tensor([head + tail])).logits[0, len(head) - 1 : -1]
    return torch.log_softmax(logits.double(), -1)[range(len(tail)), tail].numpy()


def test_shared_prefixes_give_what_one_forward_each_gives(smollm2: Any) -> None:
    found = smollm2.continuation_logprobs(PROMPTS, TITLES)
    for prompt, row in zip(PROMPTS, found, strict=True):
        for text, logprobs in list(zip(TITLES, row, strict=True))[::4]:
            np.testing.assert_allclose(logprobs, plain_logprobs(smollm2, prompt, text), atol=1e-4)
        np.testing.assert_array_equal(row[-1], row[-3])


def test_chunks_give_what_one_pass_gives(smollm2: Any) -> None:
    from fairrec.language_models.continuations import continuation_logprobs
    from fairrec.language_models.packed_trie import pack

    tokens = smollm2._tokenizer(TITLES, add_special_tokens=False).input_ids
    heads = [smollm2.token_ids(prompt) for prompt in PROMPTS[:2]]
    whole = continuation_logprobs(smollm2._model, heads, pack(tokens, 10_000), len(tokens))
    parts = continuation_logprobs(smollm2._model, heads, pack(tokens, 16), len(tokens))
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(np.concatenate(a), np.concatenate(b), atol=1e-4)


def test_an_answer_does_not_depend_on_its_neighbours(smollm2: Any) -> None:
    greedy = GenerationParameters(max_new_tokens=12)
    together = smollm2.generate(PROMPTS, greedy)
    assert together == [smollm2.generate([prompt], greedy)[0] for prompt in PROMPTS]
    sampled = GenerationParameters(max_new_tokens=12, temperature=1.0, top_p=0.9)
    seeds = [1, 2, 3]
    together = smollm2.generate(PROMPTS, sampled, seeds)
    apart = [smollm2.generate([p], sampled, [s])[0] for p, s in zip(PROMPTS, seeds, strict=True)]
    assert together == apart
    assert smollm2.generate(PROMPTS, sampled, [4, 5, 6]) != together


def test_the_end_of_an_answer_is_known(smollm2: Any) -> None:
    prompt = Prompt("Count from one to ten in words, separated by commas.")
    (cut,) = smollm2.generate([prompt], GenerationParameters(max_new_tokens=3))
    assert (cut.finish, cut.completion_tokens) == ("length", 3)
    (whole,) = smollm2.generate([prompt], GenerationParameters(max_new_tokens=40))
    stop = whole.text[len(whole.text) // 2 :][:3]
    until = GenerationParameters(max_new_tokens=40, stop=(stop,))
    (stopped,) = smollm2.generate([prompt], until)
    assert (stopped.finish, stopped.text) == ("stop", whole.text[: whole.text.index(stop)])


def test_it_has_the_capabilities_it_should(smollm2: Any) -> None:
    assert isinstance(smollm2, LanguageModel)
    assert isinstance(smollm2, ScoresContinuations)
    assert smollm2.description["dtype"] == "float32"
    assert len(smollm2.description["sha256"]) == 64


def test_a_refused_system_role_is_folded_into_the_user_turn(smollm2: Any) -> None:
    from fairrec.language_models.transformers_models import TransformersModel

    class Strict:
        """The real tokenizer with a template that has no system role, as Gemma's."""

        chat_template = "x"
        pad_token_id = 0

        def apply_chat_template(self, turns: list[dict[str, str]], **options: Any) -> str:
            if turns[0]["role"] == "system":
                raise ValueError("System role not supported")
            return f"<user>{turns[0]['content']}<model>"

    model = TransformersModel(smollm2._model, Strict(), {})
    assert model._chat_text(PROMPTS[0]).startswith(f"<user>{SYSTEM}\n\nI am a fan")
    assert model._chat_text(PROMPTS[0]).endswith("<model>1.")
