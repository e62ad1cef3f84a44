"""Recommending by writing item ids: scores, beams, batches, training and folders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from fairrec.errors import BadData, ModelUnavailable, WrongUse
from fairrec.protocols import Recommender, ScoresItems, TrainsThrough
from fairrec.recommenders.p5 import Examples, P5Settings, load_generator, save_generator, train_p5
from fairrec.types import Outcome, Request
from fairrec.users import User

pytestmark = pytest.mark.model


def requests_of(users: list[User], k: int = 5) -> list[Request]:
    return [
        Request(k=k, slots={"user": u.id}, history=u.history[: 3 + n])
        for n, u in enumerate(users[:8])
    ]


def test_it_is_what_it_says(taste_recommender) -> None:
    for protocol in (Recommender, ScoresItems, TrainsThrough):
        assert isinstance(taste_recommender, protocol)


def test_scores_are_the_log_probabilities_of_whole_codes(taste_recommender, taste_users) -> None:
    """Each against one plain forward pass over prompt and code."""
    made, network = taste_recommender, taste_recommender.network
    (request,) = requests_of(taste_users)[:1]
    items = ["f3", "f77", "f20"]
    found = made.score([request], items)[0]
    encoded = made._encoder.encode([request])
    prompt = network.embeddings(encoded.tokens, encoded.words)
    for item, score in zip(items, found, strict=True):
        code = torch.tensor(made._trie.codes[[int(item[1:])]])
        with torch.no_grad():
            if network.encoder_decoder:
                logits = network.model(inputs_embeds=prompt, labels=code).logits
            else:
                written = network.model.get_input_embeddings()(code)
                whole = torch.cat([prompt, written], dim=1)
                logits = network.model(inputs_embeds=whole).logits[:, prompt.shape[1] - 1 : -1]
        steps = logits.log_softmax(-1).gather(2, code.unsqueeze(-1))
        assert score == pytest.approx(float(steps.sum()), abs=1e-4)


def test_a_wide_beam_finds_the_best_items(taste_recommender, taste_users) -> None:
    requests = requests_of(taste_users)
    wide = load_like(taste_recommender, beams=80)
    scores = wide.score(requests, wide.catalog.ids)
    for request, ranking, row in zip(requests, wide.recommend(requests), scores, strict=True):
        row[[wide.catalog.index(item) for item in request.history]] = -np.inf
        best = [wide.catalog.ids[n] for n in np.argsort(-row)[: request.k]]
        assert list(ranking.items) == best
        assert ranking.scores == pytest.approx(sorted(row, reverse=True)[: request.k], abs=1e-4)


def load_like(made, **changed):
    return type(made)(
        made.network, made.catalog, made.codes, made.users, states=made.states, **changed
    )


def test_an_answer_does_not_depend_on_its_neighbours(taste_recommender, taste_users) -> None:
    requests = requests_of(taste_users)
    together = taste_recommender.recommend(requests)
    for request, ranking in zip(requests, together, strict=True):
        (alone,) = taste_recommender.recommend([request])
        assert alone.items == ranking.items
        assert alone.embedding == pytest.approx(ranking.embedding, abs=1e-4)


def test_candidates_bound_what_is_recommended(taste_recommender, taste_users) -> None:
    request = replace(requests_of(taste_users)[0], candidates=("f1", "f50", "f79"))
    (ranking,) = taste_recommender.recommend([request])
    assert sorted(ranking.items) == ["f1", "f50", "f79"]
    none_left = Request(k=3, history=taste_recommender.catalog.ids)
    (empty,) = taste_recommender.recommend([none_left])
    assert empty.outcome is Outcome.EMPTY


def test_it_has_learned_tastes(taste_recommender, taste_users) -> None:
    requests = [Request(k=10, slots={"user": u.id}, history=u.history) for u in taste_users]
    own = []
    for user, ranking in zip(taste_users, taste_recommender.recommend(requests), strict=True):
        first_half = np.mean([int(item[1:]) < 40 for item in ranking.items])
        own.append(first_half if user.profile["gender"] == "female" else 1 - first_half)
    assert np.mean(own) > 0.65  # 0.5 without taste


def test_what_is_stated_must_be_known(taste_recommender) -> None:
    with pytest.raises(WrongUse, match="'robot'"):
        taste_recommender.recommend([Request(k=3, profile={"gender": "robot"}, history=("f1",))])
    with pytest.raises(WrongUse, match="no code"):
        taste_recommender.score([Request(k=3, history=("f1",))], ["f999"])


def test_a_stated_value_reaches_the_model(taste_users, taste_films) -> None:
    settings = P5Settings(branching=16, width=16, layers=1, steps=3, batch=8, states=("gender",))
    told = train_p5(taste_users, taste_films, settings)
    said = [Request(k=3, profile={"gender": g}, history=("f1",)) for g in ("female", "male")]
    first, second = told.score(said, ["f1", "f2"])
    assert not np.allclose(first, second)


def test_folder_and_back(taste_recommender, taste_users, tmp_path) -> None:
    save_generator(taste_recommender, tmp_path)
    loaded = load_generator(tmp_path)
    requests = requests_of(taste_users)
    assert loaded.recommend(requests) == taste_recommender.recommend(requests)
    assert loaded.description == taste_recommender.description
    with pytest.raises(ModelUnavailable, match="no item-ID generator"):
        load_generator(tmp_path / "elsewhere")


def test_the_same_seed_trains_the_same_model(taste_users, taste_films) -> None:
    small = P5Settings(branching=16, width=16, layers=1, steps=3, batch=8)
    first, second = (train_p5(taste_users, taste_films, small) for _ in range(2))
    other = train_p5(taste_users, taste_films, replace(small, seed=1))
    assert first.description == second.description
    assert first.description["weights"] != other.description["weights"]


def test_a_pretrained_model_is_tuned_by_its_folder(
    taste_recommender, taste_users, taste_films, tmp_path
) -> None:
    taste_recommender.network.model.save_pretrained(tmp_path)
    taste_recommender.network.tokenizer.save_pretrained(tmp_path)
    settings = P5Settings(model=str(tmp_path), branching=16, steps=2, batch=8)
    tuned = train_p5(taste_users, taste_films, settings)
    assert tuned.recommend(requests_of(taste_users))[0].outcome is Outcome.ANSWERED
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        train_p5(taste_users, taste_films, replace(settings, model=str(tmp_path / "nothing")))


def test_a_pretrained_tokenizer_makes_no_tokens_of_blanks(
    taste_users, taste_films, tmp_path
) -> None:
    """One of bytes, as GPT-2's and LLaMA's, keeps the blank before a word as part of the text."""
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel()
    words.train_from_iterator(
        ["user is watched next"], trainers.BpeTrainer(special_tokens=["</s>"], show_progress=False)
    )
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>")
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    settings = P5Settings(model=str(tmp_path), branching=16, steps=1, batch=4)
    made = train_p5(taste_users, taste_films, settings)
    assert made._trie.codes.shape == made.codes.shape
    assert made._trie.codes.min() >= config.vocab_size  # all are tokens that were added


def test_there_must_be_something_to_learn(taste_films) -> None:
    with pytest.raises(BadData, match="none of the 1"):
        train_p5([User("a", history=("f1",))], taste_films)
    with pytest.raises(WrongUse, match="'gender'"):
        train_p5(
            [User("a", history=("f1", "f2"))], taste_films, P5Settings(states=("gender",), steps=1)
        )


def test_what_has_no_order_is_shown_in_none(taste_users) -> None:
    user = taste_users[0]
    told = Examples(5, ordered=True, states=("gender",)).asked(user, 3)
    assert (told.history, told.profile, told.k) == (user.history, {"gender": "female"}, 3)
    shuffled = Examples(5, ordered=False).asked(user, 3)
    assert shuffled.history[-5:] != user.history[-5:]
    assert sorted(shuffled.history) == sorted(user.history)
    assert shuffled == Examples(5, ordered=False).asked(user, 3)


def test_numbers_of_users_say_nothing_of_the_order_in_the_data(
    taste_recommender, taste_users
) -> None:
    ids = [user.id for user in taste_users]
    assert sorted(taste_recommender.users) == sorted(ids)
    number = {user: n for n, user in enumerate(taste_recommender.users)}
    assert abs(np.corrcoef([number[user] for user in ids], range(len(ids)))[0, 1]) < 0.3
