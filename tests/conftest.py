"""A small world that several kinds of tests share: films that women and men like differently."""

from __future__ import annotations

import numpy as np
import pytest

from fairrec.catalogs import Catalog
from fairrec.users import User


@pytest.fixture(scope="session")
def taste_users() -> list[User]:
    """240 users: of 20 films each, women take three quarters from the first half, men from the
    second; age says nothing."""
    rng = np.random.default_rng(5)
    users = []
    for n in range(240):
        female = n % 2 == 0
        liked, other = (range(40), range(40, 80)) if female else (range(40, 80), range(40))
        items = [*rng.choice(liked, 15, replace=False), *rng.choice(other, 5, replace=False)]
        history = tuple(f"f{i}" for i in rng.permutation(items))
        profile = {"gender": "female" if female else "male", "age": ("young", "old")[n // 2 % 2]}
        users.append(User(f"u{n}", profile, history[:-2], held_out=history[-2:]))
    return users


@pytest.fixture(scope="session")
def taste_films() -> Catalog:
    """The 80 films of `taste_users`."""
    return Catalog(tuple(f"f{i}" for i in range(80)), tuple(f"Film {i}" for i in range(80)))


@pytest.fixture(scope="session", params=["encoder-decoder", "decoder-only"])
def taste_recommender(request: pytest.FixtureRequest, taste_users, taste_films):
    """A trained item-ID generator for them, of either architecture."""
    from fairrec.recommenders.p5 import P5Settings, train_p5

    settings = P5Settings(
        model=request.param,
        branching=16,
        width=32,
        layers=1,
        history=10,
        ordered=False,
        steps=300,
        batch=64,
    )
    return train_p5(taste_users, taste_films, settings)


@pytest.fixture(scope="session")
def word_model():
    """A real, untrained causal model of a few thousand weights whose tokens are words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from fairrec.language_models.transformers_models import TransformersModel

    known = [
        "</s>",
        "I",
        "am",
        "a",
        "woman",
        "man",
        ".",
        "saw",
        ":",
        "Film",
        ";",
        "What",
        "next",
        "?",
    ]
    known += map(str, range(100))
    words = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(["<unk>", *known])}, unk_token="<unk>")
    )
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(known) + 1,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        initializer_range=0.3,
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>")
    return TransformersModel(LlamaForCausalLM(config).eval(), tokenizer, {"name": "words"})
