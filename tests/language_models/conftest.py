from __future__ import annotations

from pathlib import Path

import pytest

from fairrec.language_models import load_language_model


@pytest.fixture(scope="session")
def smollm2():
    """The default model, downloaded and converted at the first use."""
    return load_language_model("default")


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    """A folder with a real, untrained model of a few thousand weights."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "hello": 2}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = tmp_path / "tiny"
    config = LlamaConfig(
        vocab_size=3,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>").save_pretrained(folder)
    return folder
