"""The network of an item-ID generator: a plain transformers model and its tokens.

Imports torch and transformers; import it only where a model is about to be made.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn

from fairrec.errors import ModelUnavailable, WrongUse

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
WORDS = ("user", "is", "watched", "next")
"""The words of the prompt. A pretrained model knows them; a new one learns them as marks."""

USER_BRANCHING = 128
"""Tokens per place of a user's number."""

MOST_WORDS = 512
"""Whole words of a prompt that are told apart; later ones count as the last."""

ARCHITECTURES = ("encoder-decoder", "decoder-only")


class Network:
    """A language model, its tokenizer, and the embedding of whole words.

    Whole-word embeddings (Geng et al., RecSys 2022, section 3.2) are the same for all tokens of
    one user or item, and are added to the tokens' own.

    Args:
        model: A transformers model: T5's family, or any causal one.
        tokenizer: With the tokens of codes added.
        whole_words: Of `MOST_WORDS` rows.
    """

    def __init__(self, model: Any, tokenizer: Any, whole_words: nn.Embedding) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.whole_words = whole_words
        self._vocabulary = tokenizer.get_vocab()
        self.ids = lru_cache(maxsize=65_536)(self._ids)

    def _ids(self, text: str) -> tuple[int, ...]:
        """Return the tokens of a piece of the prompt: words, or codes with blanks between.

        A pretrained tokenizer would make tokens of the blanks too, so each word is looked up.
        """
        ids: list[int] = []
        for word in text.split():
            if word in self._vocabulary:
                ids.append(self._vocabulary[word])
            else:
                ids += self.tokenizer(word, add_special_tokens=False).input_ids
        return tuple(ids)

    @property
    def encoder_decoder(self) -> bool:
        """Whether the prompt goes through an encoder of its own."""
        return bool(self.model.config.is_encoder_decoder)

    def embeddings(self, tokens: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Return what goes into the model: n x length x width."""
        return self.model.get_input_embeddings()(tokens) + self.whole_words(
            words.clamp(max=MOST_WORDS - 1)
        )

    def parameters(self) -> list[nn.Parameter]:
        """Return all that is trained."""
        return [*self.model.parameters(), *self.whole_words.parameters()]


def item_token(place: int, number: int) -> str:
    """Return the token of a place in an item's code."""
    return f"<item{place}_{number}>"


def user_tokens(number: int | None, n_users: int) -> list[str]:
    """Return the tokens of a user's number; of a stranger for None."""
    places = 1
    while USER_BRANCHING**places < n_users:
        places += 1
    if number is None:
        return [f"<user{place}_?>" for place in range(places)]
    powers = [USER_BRANCHING**p for p in range(places - 1, -1, -1)]
    return [f"<user{p}_{number // power % USER_BRANCHING}>" for p, power in enumerate(powers)]


def attribute_token(name: str, value: str) -> str:
    """Return the token that states a value of an attribute."""
    return f"<{name}={value}>".replace(" ", "_")


def new_network(
    tokens: Sequence[str],
    architecture: str = "encoder-decoder",
    *,
    width: int = 64,
    layers: int = 2,
    heads: int = 4,
    dropout: float = 0.1,
    seed: int = 0,
) -> Network:
    """Return a small untrained model whose vocabulary is `tokens` and the prompt's words.

    Args:
        tokens: Of items, users and attributes.
        architecture: "encoder-decoder" (T5's classes) or "decoder-only" (LLaMA's).
        width: Of the hidden states; a multiple of `heads`.
        layers: Per stack.
        heads: Of attention.
        dropout: While training; LLaMA's classes have it in attention alone.
        seed: Of the weights.

    Raises:
        WrongUse: The architecture is unknown, or the width is no multiple of the heads.
    """
    if architecture not in ARCHITECTURES or width % heads:
        raise WrongUse(
            f"a network {architecture!r}, {width} wide with {heads} heads.",
            expected=f"one of {', '.join(ARCHITECTURES)}, as wide as a multiple of the heads.",
        )
    tokenizer = _word_tokenizer([PAD, END, UNKNOWN, *WORDS, *tokens])
    common: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    if architecture == "encoder-decoder":
        common["decoder_start_token_id"] = tokenizer.pad_token_id
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if architecture == "encoder-decoder":
            model: Any = transformers.T5ForConditionalGeneration(
                transformers.T5Config(
                    **common,
                    d_model=width,
                    d_kv=width // heads,
                    d_ff=4 * width,
                    num_layers=layers,
                    num_heads=heads,
                    dropout_rate=dropout,
                )
            )
        else:
            model = transformers.LlamaForCausalLM(
                transformers.LlamaConfig(
                    **common,
                    hidden_size=width,
                    intermediate_size=4 * width,
                    num_hidden_layers=layers,
                    num_attention_heads=heads,
                    attention_dropout=dropout,
                    initializer_range=0.05,
                )
            )
        words = nn.Embedding(MOST_WORDS, width)
        nn.init.normal_(words.weight, std=model.get_input_embeddings().weight.detach().std().item())
    return Network(model.eval(), tokenizer, words)


def pretrained_network(source: str, tokens: Sequence[str], revision: str | None = None) -> Network:
    """Return a pretrained model (T5's family or a causal one) with `tokens` added.

    Whole words start at zero, so that the model starts out as it is.

    Args:
        source: Hub id or folder.
        tokens: Of items, users and attributes.
        revision: Of the hub's model.

    Raises:
        ModelUnavailable: Nothing usable is there, or the hub cannot be reached.
    """
    try:
        config = transformers.AutoConfig.from_pretrained(source, revision=revision)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, revision=revision)
        kind: Any = (
            transformers.AutoModelForSeq2SeqLM
            if config.is_encoder_decoder
            else transformers.AutoModelForCausalLM
        )
        model = kind.from_pretrained(source, revision=revision, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"{source} could not be loaded: {error}",
            expected="a T5 or causal language model, as a hub id or a folder.",
            do="check the name, or give a folder that holds the model.",
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.add_tokens(list(tokens))
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    words = nn.Embedding(MOST_WORDS, model.get_input_embeddings().weight.shape[1])
    nn.init.zeros_(words.weight)
    return Network(model.eval(), tokenizer, words)


def _word_tokenizer(vocabulary: Sequence[str]) -> Any:
    words = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(vocabulary)}, unk_token=UNKNOWN)
    )
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token=PAD, eos_token=END, unk_token=UNKNOWN
    )


def save_network(network: Network, folder: Path) -> None:
    """Write model, tokenizer and whole-word embeddings into a folder."""
    from safetensors.torch import save_file

    network.model.save_pretrained(folder)
    network.tokenizer.save_pretrained(folder)
    save_file({"weight": network.whole_words.weight.data}, folder / "whole_words.safetensors")


def load_network(folder: Path) -> Network:
    """Read what `save_network` wrote.

    Raises:
        ModelUnavailable: The folder does not hold it.
    """
    from safetensors.torch import load_file

    found = pretrained_network(str(folder), [])
    try:
        weight = load_file(folder / "whole_words.safetensors")["weight"]
    except (OSError, KeyError) as error:
        raise ModelUnavailable(
            f"{folder} holds no whole-word embeddings: {error}",
            expected="a folder that an item-ID generator was saved to.",
        ) from error
    found.whole_words.weight.data.copy_(weight)
    return found
