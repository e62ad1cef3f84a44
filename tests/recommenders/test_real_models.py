"""Every kind of recommender that a language model can be, with real weights on real data.

SmolLM2-135M is a weak recommender, and nothing here asks it to be a good one: what is asserted is
that each adapter gets answers of the real model through, and that what it computes is the model's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fairrec.catalogs import Catalog, candidate_pool, films
from fairrec.language_models import load_language_model, load_masked_model, load_text_encoder
from fairrec.prompts import template
from fairrec.protocols import GenerationParameters
from fairrec.recommenders import (
    CatalogueLikelihood,
    Cloze,
    ClozeTemplate,
    ConstrainedTitles,
    FeatureEncoder,
    FilterThenRerank,
    GeneratedFeatures,
    GeneratedQueries,
    GeneratedRows,
    ListwiseRanking,
    MultiTask,
    OpenGeneration,
    PairwiseRanking,
    PipelineController,
    RatingPrediction,
    TwoTower,
    YesNo,
)
from fairrec.recommenders.conventional import Popularity
from fairrec.types import Outcome, Request
from fairrec.users import User

pytestmark = pytest.mark.model
ML_100K = Path(__file__).parents[3] / "shared" / "data" / "ml-100k"
BRIEF = GenerationParameters(max_new_tokens=6)
SHORT = GenerationParameters(max_new_tokens=24)


@pytest.fixture(scope="module")
def model():
    return load_language_model("default")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return films().subset(films().ids[:: len(films()) // 60][:60])


@pytest.fixture(scope="module")
def arms(catalog: Catalog) -> list[Request]:
    """The same history and candidates, stated by a woman and by a man."""
    history = candidate_pool(catalog, 5, purpose="history")
    shown = "; ".join(map(catalog.title, history))
    return [
        Request(
            2,
            template("movie_profile").instruction(k=2, statement=said, history=shown),
            history=history,
            candidates=candidate_pool(catalog, 4, exclude=history, purpose="pool"),
        )
        for said in ("I am a woman.", "I am a man.")
    ]


ADAPTERS = {
    "open": lambda m, c, p: OpenGeneration(m, c, parameters=SHORT),
    "likelihood": lambda m, c, p: CatalogueLikelihood(m, c),
    "listwise": lambda m, c, p: ListwiseRanking(m, c, parameters=SHORT),
    "listwise in windows": lambda m, c, p: ListwiseRanking(m, c, window=3, parameters=SHORT),
    "pairwise": lambda m, c, p: PairwiseRanking(m, c, schedule="swiss"),
    "yes or no": lambda m, c, p: YesNo(m, c),
    "expected rating": lambda m, c, p: RatingPrediction(m, c),
    "written rating": lambda m, c, p: RatingPrediction(m, c, reading="text", parameters=BRIEF),
    "constrained titles": lambda m, c, p: ConstrainedTitles(m, c, beams=10),
    "queries": lambda m, c, p: GeneratedQueries(m, c, columns=["genre"], parameters=SHORT),
    "features": lambda m, c, p: GeneratedFeatures(m, c, item_task=None, parameters=SHORT),
    "rows": lambda m, c, p: GeneratedRows(m, c, p, parameters=SHORT),
    "filter then rerank": lambda m, c, p: FilterThenRerank(p, YesNo(m, c), keep=5),
    "controller": lambda m, c, p: PipelineController(m, c, p, turns=2, parameters=SHORT),
    "multi-task": lambda m, c, p: MultiTask(
        {"yes": YesNo(m, c), "rate": RatingPrediction(m, c)}, default="rate"
    ),
}
SURE = {"likelihood", "pairwise", "yes or no", "expected rating", "constrained titles"}
SURE |= {"filter then rerank", "multi-task", "rows"}


@pytest.mark.parametrize("kind", ADAPTERS)
def test_each_kind(kind: str, model, catalog: Catalog, arms: list[Request]) -> None:
    """Greedy and in fp32, an answer does not depend on who else is asked for."""
    popular = Popularity(catalog).fit([User("u", history=catalog.ids[:5])])
    recommender = ADAPTERS[kind](model, catalog, popular)
    together = recommender.recommend(arms)
    (alone,) = recommender.recommend(arms[:1])
    assert (alone.outcome, alone.items, alone.text) == (
        together[0].outcome,
        together[0].items,
        together[0].text,
    )
    assert recommender.description == ADAPTERS[kind](model, catalog, popular).description
    for ranking in together:
        assert ranking.outcome is not Outcome.ERROR
        if kind in SURE:
            assert ranking.outcome is Outcome.ANSWERED and len(ranking.items) == 2


def test_stated_values_reach_the_scores(model, catalog: Catalog, arms: list[Request]) -> None:
    for recommender in (YesNo(model, catalog), RatingPrediction(model, catalog)):
        woman, man = recommender.score(arms, catalog.ids[:5])
        assert np.isfinite(woman).all() and not np.array_equal(woman, man)


def test_a_small_masked_model_learns_to_fill_the_gap(tmp_path: Path) -> None:
    """A tiny BERT is trained on sentences in which crime is liked and love is not."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    sentences = "I have seen crime . love story film number Would like ? yes no the"
    numbers = [str(n) for n in range(30)]
    known = ["[PAD]", "[UNK]", "[MASK]", *sentences.split(), *numbers]
    words = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(known)}, unk_token="[UNK]")
    )
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]"
    )
    torch.manual_seed(0)
    bert = BertForMaskedLM(
        BertConfig(
            vocab_size=len(known),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=40,
            initializer_range=0.2,
        )
    )
    optimiser = torch.optim.Adam(bert.parameters(), lr=3e-3)
    rng = np.random.default_rng(0)
    sentence = "I have seen {seen} . Would I like the {kind} film number {n} ? {gap} ."
    mask, yes, no = tokenizer.convert_tokens_to_ids(["[MASK]", "yes", "no"])
    for _ in range(300):
        draws = [(rng.integers(2), rng.integers(2), rng.integers(20)) for _ in range(32)]
        texts = [
            sentence.format(seen=("crime", "love")[s], kind=("crime", "love")[k], n=n, gap="[MASK]")
            for s, k, n in draws
        ]
        ids = tokenizer(texts, padding=True, return_tensors="pt").input_ids
        labels = torch.full_like(ids, -100)
        labels[ids == mask] = torch.tensor([yes if s == k else no for s, k, _ in draws])
        loss = bert(input_ids=ids, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    bert.eval().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    titles = tuple(f"{kind} film number {n}" for n in range(20, 24) for kind in ("crime", "love"))
    catalog = Catalog(tuple(map(str, range(8))), titles)
    recommender = Cloze(
        load_masked_model(str(tmp_path)),
        catalog,
        templates=[ClozeTemplate("Would I like the {title} ? [MASK] .", ("yes",), ("no",))],
    )
    crime, love = recommender.recommend(
        [Request(4, "I have seen crime ."), Request(4, "I have seen love .")]
    )
    assert set(crime.items) == {"0", "2", "4", "6"} and set(love.items) == {"1", "3", "5", "7"}


@pytest.mark.skipif(not ML_100K.is_dir(), reason="../shared/data/ml-100k is not there")
def test_a_trained_projection_beats_popularity() -> None:
    """MiniLM on MovieLens-100K: frozen texts alone do not, a projection trained on them does."""
    from fairrec.datasets import leave_last_out, read_dataset

    dataset = read_dataset(ML_100K)
    catalog, users = dataset.catalog, leave_last_out(dataset, 1, minimum_history=5)
    requests = [Request(10, history=user.history, slots={"user": user.id}) for user in users]

    def ndcg(recommender) -> float:
        gains = []
        for user, ranking in zip(users, recommender.recommend(requests), strict=True):
            places = [n for n, item in enumerate(ranking.items) if item in user.held_out]
            gains.append(sum(1 / np.log2(n + 2) for n in places))
        return float(np.mean(gains))

    encoder = load_text_encoder()
    popular = ndcg(Popularity(catalog).fit(users))
    untrained = ndcg(FeatureEncoder(encoder, catalog, columns=["genre"]))
    trained = ndcg(TwoTower(encoder, catalog, columns=["genre"], steps=400).fit(users))
    assert untrained < popular < trained


def test_an_encoder_is_tuned_and_the_first_one_is_left_alone() -> None:
    from fairrec.language_models.encoder_tuning import tune_encoder

    encoder = load_text_encoder()
    pairs = [("Heat", "Alien"), ("Jaws", "Up"), ("Big", "Fargo"), ("Rocky", "Speed")]
    before = encoder.embed([one for pair in pairs for one in pair])
    tuned = tune_encoder(encoder, pairs, steps=12, batch=4, learning_rate=1e-4)
    assert np.array_equal(encoder.embed([one for pair in pairs for one in pair]), before)
    after = tuned.embed([one for pair in pairs for one in pair])

    def together(vectors: np.ndarray) -> float:
        return float(np.mean(np.sum(vectors[::2] * vectors[1::2], axis=1)))

    assert together(after) > together(before) + 0.1
    assert tuned.description != encoder.description
