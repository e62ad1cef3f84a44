"""Prefixes go into any transformers model's attention, and come off again without a trace."""

from __future__ import annotations

import pytest
import torch
import transformers

from fairrec.errors import WrongUse
from fairrec.mitigations.cfp.attaching import attached, sites_of

pytestmark = pytest.mark.model

SMALL = {"vocab_size": 40, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 1}


def llama(**more) -> transformers.LlamaForCausalLM:
    config = transformers.LlamaConfig(
        **SMALL,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.2,
        **more,
    )
    return transformers.LlamaForCausalLM(config).eval()


def gpt2() -> transformers.GPT2LMHeadModel:
    config = transformers.GPT2Config(**SMALL, n_embd=32, n_layer=2, n_head=4, n_positions=64)
    return transformers.GPT2LMHeadModel(config).eval()


def t5() -> transformers.T5ForConditionalGeneration:
    config = transformers.T5Config(
        **SMALL, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    return transformers.T5ForConditionalGeneration(config).eval()


@pytest.fixture(params=[llama, gpt2, t5])
def model(request):
    torch.manual_seed(3)
    return request.param()


def prefixes_for(model, length: int = 3) -> dict:
    draws = torch.Generator().manual_seed(0)
    return {
        site.name: tuple(
            torch.randn(site.heads, length, site.dimension, generator=draws) for _ in "kv"
        )
        for site in sites_of(model)
    }


def prompts() -> tuple[torch.Tensor, torch.Tensor]:
    """Two prompts, the second padded on the left."""
    tokens = torch.tensor([[5, 6, 7, 8, 9], [0, 0, 10, 11, 12]])
    return tokens, (tokens > 0).long()


def outputs(model) -> torch.Tensor:
    tokens, mask = prompts()
    inputs = {"input_ids": tokens[:1], "attention_mask": mask[:1]}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = tokens[:1]
    with torch.no_grad():
        return model(**inputs).logits


def test_encoders_decoders_and_what_crosses_between_take_part() -> None:
    assert [site.name for site in sites_of(llama())] == [
        "model.layers.0.self_attn",
        "model.layers.1.self_attn",
    ]
    assert sites_of(llama())[0].heads == 2  # those of keys and values
    names = [site.name for site in sites_of(t5())]
    assert len(names) == 6
    assert sum("EncDecAttention" in name for name in names) == 2


def test_a_prefix_changes_answers_and_leaves_no_trace(model) -> None:
    before, weights = outputs(model), {n: t.clone() for n, t in model.state_dict().items()}
    prefixes, settings = prefixes_for(model), model.config.to_dict()
    with attached(model, prefixes):
        assert not torch.allclose(outputs(model), before, atol=1e-3)
    assert torch.equal(outputs(model), before)
    assert model.config.to_dict() == settings
    assert model.config._attn_implementation == "sdpa"
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[name])


def test_it_comes_off_after_an_error_too(model) -> None:
    before = outputs(model)
    with pytest.raises(ZeroDivisionError), attached(model, prefixes_for(model)):
        _ = 1 / 0
    assert torch.equal(outputs(model), before)


def test_both_ways_of_computing_attention_agree(model) -> None:
    prefixes = prefixes_for(model)
    with attached(model, prefixes):
        sdpa = outputs(model)
    model.set_attn_implementation("eager")
    with attached(model, prefixes):
        assert outputs(model) == pytest.approx(sdpa, abs=1e-4)


@pytest.mark.parametrize("beams", [1, 3])
def test_generate_with_padding_beams_and_caches(model, beams) -> None:
    tokens, mask = prompts()
    options = {"max_new_tokens": 6, "num_beams": beams, "do_sample": False, "min_new_tokens": 6}
    with attached(model, prefixes_for(model)):
        together = model.generate(input_ids=tokens, attention_mask=mask, **options)
        uncached = model.generate(input_ids=tokens, attention_mask=mask, use_cache=False, **options)
        alone = model.generate(input_ids=tokens[1:, 2:], attention_mask=mask[1:, 2:], **options)
    assert torch.equal(together, uncached)
    assert torch.equal(together[1, -6:], alone[0, -6:])


def test_a_zero_key_takes_the_weight_that_softmax_gives_it() -> None:
    """One layer, one token: values of zero scale the attention by p = e^s / (e^s + length)."""
    torch.manual_seed(0)
    config = transformers.T5Config(
        **SMALL, d_model=8, d_kv=8, d_ff=8, num_layers=1, num_heads=1, decoder_start_token_id=0
    )
    encoder = transformers.T5EncoderModel(config).eval()
    attention = encoder.encoder.block[0].layer[0].SelfAttention
    caught: list[torch.Tensor] = []
    attention.o.register_forward_pre_hook(lambda _m, inputs: caught.append(inputs[0].detach()))
    token = torch.tensor([[4]])
    hidden: list[torch.Tensor] = []
    attention.register_forward_pre_hook(lambda _m, inputs: hidden.append(inputs[0].detach()))
    zeros = torch.zeros(1, 3, 8)
    with torch.no_grad():
        encoder(token)
        with attached(encoder, {sites_of(encoder)[0].name: (zeros, zeros)}):
            encoder(token)
    first, last = caught[0], caught[-1]
    state = hidden[0]
    fit = (attention.q(state) * attention.k(state)).sum().detach()
    fit += attention.relative_attention_bias.weight[0, 0].detach()
    assert last == pytest.approx(first * fit.exp() / (fit.exp() + 3), abs=1e-5)


def test_gradients_reach_the_prefix_and_nothing_else(model) -> None:
    model.requires_grad_(False)
    prefixes = prefixes_for(model)
    for pair in prefixes.values():
        for part in pair:
            part.requires_grad_(True)
    tokens, _ = prompts()
    with attached(model, prefixes):
        model(input_ids=tokens[:1], labels=tokens[:1]).loss.backward()
    assert all(bool(part.grad.abs().sum() > 0) for pair in prefixes.values() for part in pair)


def test_two_prompts_at_once_are_refused(model) -> None:
    prefixes = prefixes_for(model)
    with (
        attached(model, prefixes),
        pytest.raises(WrongUse, match="has a prefix already"),
        attached(model, prefixes),
    ):
        pass


def test_models_without_keys_and_values_are_refused() -> None:
    mamba = transformers.MambaForCausalLM(
        transformers.MambaConfig(vocab_size=40, hidden_size=16, num_hidden_layers=1, state_size=4)
    )
    with pytest.raises(WrongUse, match="no prefix can be attached"):
        sites_of(mamba)
    with (
        pytest.raises(WrongUse, match=r"has no 'layers\.9'"),
        attached(llama(), {"layers.9": (torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))}),
    ):
        pass
