"""Encoder-decoders, masked models, regression heads and encoders say what transformers computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from fairrec.errors import ModelUnavailable, WrongUse
from fairrec.language_models import (
    load_language_model,
    load_masked_model,
    load_regression_model,
    load_text_encoder,
)
from fairrec.language_models.transformers_models import TransformersModel
from fairrec.protocols import (
    EmbedsTexts,
    FillsMasks,
    GenerationParameters,
    HasContext,
    PredictsNumbers,
    Prompt,
    ScoresChoices,
    ScoresContinuations,
)

VOCABULARY = "a film about space crime love yes no good bad 1 2 3 4 5 ? . I like the"
WORDS = VOCABULARY.split()
SMALL = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def tokenizer(*special: str) -> PreTrainedTokenizerFast:
    known = {word: n for n, word in enumerate([*special, *WORDS])}
    words = Tokenizer(models.WordLevel(known, unk_token=special[1]))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return words  # type: ignore[return-value]


@pytest.fixture(scope="module")
def t5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("t5")
    words = tokenizer("<pad>", "<unk>", "</s>")
    words.post_processor = processors.TemplateProcessing(  # type: ignore[attr-defined]
        single="$A </s>", special_tokens=[("</s>", 2)]
    )
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(WORDS) + 3,
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        decoder_start_token_id=0,
        initializer_factor=5.0,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", eos_token="</s>"
    ).save_pretrained(folder)
    return folder


def bert_folder(folder: Path, kind: type, **options: int) -> Path:
    words = tokenizer("[PAD]", "[UNK]", "[MASK]")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS) + 3,
        max_position_embeddings=40,
        initializer_range=0.5,
        **SMALL,
        **options,
    )
    kind(config).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]"
    ).save_pretrained(folder)
    return folder


def test_t5_scores_what_its_loss_says(t5_folder: Path) -> None:
    model = load_language_model(str(t5_folder))
    assert isinstance(model, ScoresContinuations) and isinstance(model, ScoresChoices)
    assert isinstance(model, HasContext)
    prompts = [Prompt("I like space ."), Prompt("the film", "a"), Prompt("love", prefill="good")]
    tails = ["crime film", "love", "a film about love ?"]
    found = model.continuation_logprobs(prompts, tails)
    raw = T5ForConditionalGeneration.from_pretrained(t5_folder).eval()
    words = PreTrainedTokenizerFast.from_pretrained(t5_folder)
    for prompt, row in zip(prompts, found, strict=True):
        text = "\n\n".join(t for t in (prompt.system, prompt.user) if t)
        ids = torch.tensor([words(text).input_ids])
        for tail, logprobs in zip(tails, row, strict=True):
            start = words(prompt.prefill, add_special_tokens=False).input_ids
            target = words(tail, add_special_tokens=False).input_ids
            decoder = torch.tensor([[0, *start, *target]])
            logits = raw(input_ids=ids, decoder_input_ids=decoder).logits[0, len(start) :]
            expected = torch.log_softmax(logits, -1)[range(len(target)), target]
            assert logprobs == pytest.approx(expected.tolist(), abs=1e-3)
    choices = model.choice_logprobs(prompts, tails)
    assert choices == pytest.approx(np.array([[t.sum() for t in row] for row in found]))


def test_t5_writes_the_same_in_any_company(t5_folder: Path) -> None:
    model = load_language_model(str(t5_folder))
    prompts = [Prompt("I like space ."), Prompt("love", prefill="good"), Prompt("a"), Prompt("no")]
    for temperature in (0.0, 0.8):
        parameters = GenerationParameters(max_new_tokens=6, temperature=temperature)
        seeds = [1, 2, 3, 4]
        together = model.generate(prompts, parameters, seeds)
        alone = [
            model.generate([p], parameters, [s])[0] for p, s in zip(prompts, seeds, strict=True)
        ]
        assert [one.text for one in together] == [one.text for one in alone]
        assert {one.finish for one in together} <= {"stop", "length"}


def test_gaps_are_filled_as_the_head_says(tmp_path: Path) -> None:
    folder = bert_folder(tmp_path, BertForMaskedLM)
    model = load_masked_model(str(folder))
    assert isinstance(model, FillsMasks) and isinstance(model, HasContext)
    texts = ["I like the film ? [MASK] .", "a [MASK] film", "the film about love is [MASK] ."]
    found = model.mask_logprobs(texts, ["yes", "no"])
    raw = BertForMaskedLM.from_pretrained(folder).eval()
    words = PreTrainedTokenizerFast.from_pretrained(folder)
    for text, row in zip(texts, found, strict=True):
        ids = words(text).input_ids
        logits = raw(input_ids=torch.tensor([ids])).logits[0, ids.index(words.mask_token_id)]
        expected = torch.log_softmax(logits, -1)[words.convert_tokens_to_ids(["yes", "no"])]
        assert row == pytest.approx(expected.tolist(), abs=1e-5)
    with pytest.raises(WrongUse, match="no single token for the word 'wonderful'"):
        model.mask_logprobs(texts, ["wonderful"])
    with pytest.raises(WrongUse, match="has 2 gaps"):
        model.mask_logprobs(["[MASK] or [MASK]"], ["yes"])


def test_regression_heads(tmp_path: Path) -> None:
    folder = bert_folder(tmp_path / "one", BertForSequenceClassification, num_labels=1)
    model = load_regression_model(str(folder))
    assert isinstance(model, PredictsNumbers)
    texts = ["I like the film", "love", "a crime film about space"]
    assert model.predict(texts) == pytest.approx([model.predict([t])[0] for t in texts], abs=1e-5)
    two = bert_folder(tmp_path / "two", BertForSequenceClassification, num_labels=2)
    with pytest.raises(WrongUse, match="the model has 2 outputs"):
        load_regression_model(str(two))


def test_models_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="there is no model"):
        load_masked_model(str(tmp_path / "nothing"))
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        load_masked_model(str(tmp_path))


def test_a_packed_trie_of_prompts_is_as_one_forward_each(word_model: TransformersModel) -> None:
    prompts = [Prompt(f"I am a woman . What next ? Film {n} ?") for n in (1, 2, 33, 1)]
    prompts.append(Prompt("Film 5"))
    found = word_model.choice_logprobs(prompts, ["Film", "What next"])
    for prompt, row in zip(prompts, found, strict=True):
        plain = word_model.continuation_logprobs([prompt], ["Film", "What next"])[0]
        assert row == pytest.approx([tokens.sum() for tokens in plain], abs=1e-4)
    assert word_model.choice_logprobs([], ["Film"]).shape == (0, 1)


@pytest.mark.model
def test_minilm_knows_what_is_alike() -> None:
    encoder = load_text_encoder()
    assert isinstance(encoder, EmbedsTexts)
    vectors = encoder.embed(["a film about space", "a movie set among the stars", "tax law"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert vectors[0] @ vectors[1] > 0.5 > vectors[0] @ vectors[2]
    assert encoder.embed([]).shape == (0, 384)
