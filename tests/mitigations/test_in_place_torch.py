"""Hooks inside torch and transformers models, and that they come off without a trace."""

from __future__ import annotations

import pytest
from turned_lists import CATALOG, Politely, Turned

from fairrec.errors import WrongUse

torch = pytest.importorskip("torch")
TURNED = Turned(catalog=CATALOG, column="maker")


def _scorer() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Linear(3, 6)


def test_scores_of_a_module_are_rearranged_and_put_back() -> None:
    module, users = _scorer(), torch.randn(4, 3)
    plain = module(users)
    with TURNED.applied_to(module, items=CATALOG.ids, k=3):
        changed = module(users)
    assert torch.equal(module(users), plain)
    assert torch.equal(changed.sort(dim=1).values, plain.sort(dim=1).values)
    before = plain.argsort(dim=1, descending=True)
    after = changed.argsort(dim=1, descending=True)
    assert torch.equal(after[:, :3], before[:, :3].flip(1))
    assert torch.equal(after[:, 3:], before[:, 3:])
    assert changed.dtype == plain.dtype


def test_what_is_no_candidate_stays_out() -> None:
    class Masked(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    module = Masked()
    scores = torch.tensor([[3.0, -torch.inf, 2.0, 1.0, -torch.inf, 0.0]])
    with TURNED.applied_to(module, items=CATALOG.ids, k=2):
        assert module(scores).tolist() == [[2.0, -torch.inf, 3.0, 1.0, -torch.inf, 0.0]]


def test_columns_that_do_not_fit_are_named_and_the_hook_comes_off() -> None:
    module = _scorer()
    with (
        pytest.raises(WrongUse, match=r"scores of the shape \(2, 6\)"),
        TURNED.applied_to(module, items=["a", "b"]),
    ):
        module(torch.randn(2, 3))
    assert module(torch.randn(2, 3)).shape == (2, 6)
    with (
        pytest.raises(WrongUse, match="does not rerank"),
        Politely().applied_to(module, items=CATALOG.ids),
    ):
        pass


def _language_model():  # type: ignore[no-untyped-def]
    """A tiny, randomly initialised model and a tokenizer of single characters."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = [chr(code) for code in range(32, 127)]
    inner = Tokenizer(
        models.WordLevel({"<pad>": 0} | {c: n + 1 for n, c in enumerate(letters)}, unk_token="?")
    )
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", clean_up_tokenization_spaces=False
    )
    from tokenizers import decoders

    inner.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", clean_up_tokenization_spaces=False
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=96,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=None,
    )
    return LlamaForCausalLM(config).eval(), tokenizer


@pytest.mark.model
def test_prompts_are_rewritten_on_their_way_into_generate() -> None:
    model, tokenizer = _language_model()
    tokenizer.padding_side = "left"
    given = tokenizer(["Films?", "Name some films."], padding=True, return_tensors="pt")
    wanted = tokenizer(
        ["Films? Please.", "Name some films. Please."], padding=True, return_tensors="pt"
    )
    how = {"max_new_tokens": 8, "do_sample": False}
    plain = model.generate(**given, **how)
    direct = model.generate(**wanted, **how)
    with Politely().applied_to(model, tokenizer=tokenizer):
        applied = model.generate(**given, **how)
        both = model.generate(**given, **how, num_beams=3, num_return_sequences=2)
        whole = model.generate(**given, **how, return_dict_in_generate=True)
    width = given["input_ids"].shape[1]
    assert torch.equal(applied[:, :width], given["input_ids"])
    assert torch.equal(applied[:, width:], direct[:, wanted["input_ids"].shape[1] :])
    assert torch.equal(whole.sequences, applied)
    assert both.shape == (4, width + 8)
    assert torch.equal(model.generate(**given, **how), plain)
    assert "generate" not in vars(model)
    with (
        pytest.raises(WrongUse, match="does more than rewrite"),
        TURNED.applied_to(model, tokenizer=tokenizer),
    ):
        pass
