"""Models asked in words, trained through: the same numbers as when they are only asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fairrec.errors import WrongUse
from fairrec.mitigations.cfp import CounterfactuallyFairPrompt
from fairrec.mitigations.cfp.spans import span_vectors
from fairrec.protocols import Prompt, ScoresItems, TrainsThrough
from fairrec.recommenders.trainable_likelihood import SPANS, TrainableLikelihood
from fairrec.types import Request

pytestmark = pytest.mark.model


@pytest.fixture
def recommender(word_model, taste_films):
    return TrainableLikelihood(word_model, taste_films, variant="raw", prefill="1 .")


def asked(user, n: int = 3) -> Request:
    who = "woman" if user.profile["gender"] == "female" else "man"
    shown = user.history[:n]
    titles = "; ".join(f"Film {item[1:]}" for item in shown)
    return Request(k=5, instruction=f"I am a {who}. I saw: {titles}. What next?", history=shown)


def test_the_loss_is_what_the_model_says(recommender, word_model, taste_users) -> None:
    requests = [asked(user, n) for user, n in zip(taste_users[:3], (1, 4, 2), strict=True)]
    wanted = [("f7",), ("f9", "f30"), ()]
    texts = [" Film 7", " Film 9", " Film 30"]
    prompts = [Prompt(r.instruction, None, "1 .") for r in requests]
    said = word_model.continuation_logprobs(prompts, texts)
    tokens = np.concatenate([said[0][0], said[1][1], said[1][2]])
    passed = recommender.forward(requests, wanted)
    assert passed.loss.item() == pytest.approx(-tokens.mean(), abs=1e-5)
    assert passed.output.exp().sum(1).tolist() == pytest.approx([1, 1, 1])
    assert isinstance(recommender, TrainsThrough) and isinstance(recommender, ScoresItems)


def test_neighbours_and_padding_change_nothing(recommender, taste_users) -> None:
    requests = [asked(user, n) for user, n in zip(taste_users[:4], (1, 9, 3, 5), strict=True)]
    with torch.no_grad():
        together = span_vectors(recommender.forward(requests), SPANS)
        alone = [span_vectors(recommender.forward([r]), SPANS) for r in requests]
    for span in SPANS:
        assert together[span] == pytest.approx(torch.cat([v[span] for v in alone]), abs=1e-5)
    rankings = recommender.recommend(requests)
    assert rankings[1].embedding == pytest.approx(together["last"][1].tolist(), abs=1e-5)


def test_spans_are_where_the_words_are(recommender, word_model, taste_users) -> None:
    request = asked(taste_users[0], 3)
    passed = recommender.forward([request, asked(taste_users[1], 8)])
    _, tokens, _ = word_model.placed_tokens(Prompt(request.instruction, None, "1 ."))

    def words(span: str) -> str:
        inside = passed.spans[span][0, -len(tokens) :].tolist()
        kept = [t for t, there in zip(tokens, inside, strict=True) if there]
        return word_model._tokenizer.decode(kept)

    titles = " ; ".join(f"Film {item[1:]}" for item in request.history)
    assert words("history") == titles
    assert words("user") == f"I am a woman . I saw : {titles} . What next ?"
    assert words("prompt") == f"{words('user')} 1 ."
    assert words("last") == "."


@pytest.mark.parametrize("bf16", [False, True])
def test_gender_that_is_stated_is_hidden(recommender, taste_users, bf16) -> None:
    def draw(user, rng):
        return asked(user), [str(rng.choice(user.held_out))]

    prompt = CounterfactuallyFairPrompt(
        ["gender"], spans=("last",), steps=60, batch=60, check_every=20, validation=0.3, bf16=bf16
    ).fit(recommender, taste_users, draw=draw)
    assert prompt.artefact is not None
    first, *looks = prompt.artefact.looks
    assert first["aucs"]["gender"] > 0.4
    assert min(look["aucs"]["gender"] for look in looks) < first["aucs"]["gender"] - 0.1


def test_what_is_likely_after_nobody_is_asked_with_the_prefix_too(
    word_model, taste_films, taste_users
) -> None:
    def made():
        return TrainableLikelihood(word_model, taste_films, empty_profile="What next ?")

    prompt = CounterfactuallyFairPrompt(
        ["gender"], spans=("prompt",), steps=2, batch=8, check_every=2, length=2, width=8
    ).fit(made(), taste_users, draw=lambda user, rng: (asked(user), [user.history[5]]))
    used, request = made(), asked(taste_users[0])
    before = used.score([request], ["f1", "f2"])[0]
    with prompt.applied_to(used.module):
        after = used.score([request], ["f1", "f2"])[0]
        fresh = made().score([request], ["f1", "f2"])[0]
    assert after == pytest.approx(fresh, abs=1e-6)
    assert after != pytest.approx(before, abs=1e-6)


def test_what_does_not_do(recommender, taste_films, word_model, taste_users) -> None:
    with pytest.raises(WrongUse, match="a request has no words"):
        recommender.forward([Request(k=1)])
    with pytest.raises(WrongUse, match="'nothing'"):
        recommender.forward([asked(taste_users[0])], [["nothing"]])
    with pytest.raises(WrongUse, match="the span 'nose'"):
        TrainableLikelihood(word_model, taste_films, span="nose")
    unsaid = replace(asked(taste_users[0]), instruction="What next ?")
    with pytest.raises(WrongUse, match="nothing in the span 'history'"):
        span_vectors(recommender.forward([unsaid]), ["history"])
