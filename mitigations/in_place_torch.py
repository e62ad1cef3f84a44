"""Mitigations inside torch and transformers models: hooks that come off again.

Tried on the CPU. On other devices tensors are read on the CPU and written back where they were;
that path is untried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from fairrec.errors import WrongUse
from fairrec.mitigations.mitigated import MitigatedRecommender
from fairrec.mitigations.mitigation import Mitigation, OnError, RewritesRequests
from fairrec.mitigations.rerankers.reranker import Reranker
from fairrec.types import Outcome, Ranking, Request

if TYPE_CHECKING:
    import torch


@contextmanager
def rearranged_scores(
    mitigation: Mitigation, module: Any, items: Sequence[str], k: int | None, on_error: OnError
) -> Iterator[MitigatedRecommender]:
    """Rearrange the scores that a module returns while the block lasts.

    Args:
        mitigation: A reranker.
        module: A torch module whose output is a tensor, shape (lists, items); -inf is no
            candidate.
        items: Item id of every column.
        k: Items that are shown of a list; all of them where None.
        on_error: "raise", or "original" to let the module's own scores stand.

    The scores of a list stay the same numbers: the first item of the new list gets the highest,
    and so on; those that are not in it follow in their old order.

    Raises:
        WrongUse: The mitigation is no reranker, or (from the module) columns do not fit.
    """
    if not isinstance(mitigation, Reranker):
        raise WrongUse(
            f"{mitigation.name!r} does not rerank.",
            expected="a reranker, to rearrange scores in place.",
            do="apply mitigations of the prompt to the model with tokenizer=.",
        )
    import torch

    wrapped = MitigatedRecommender(mitigation, _Nobody(), on_error)
    shown = len(items) if k is None else k

    def rearrange(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
        scores = output.detach().cpu().double().numpy()
        if scores.ndim != 2 or scores.shape[1] != len(items):
            raise WrongUse(
                f"the module returned scores of the shape {tuple(output.shape)}.",
                expected=f"(lists, {len(items)}): one column per item.",
            )
        sources = _sources(wrapped, scores, items, shown)
        return output.gather(1, torch.from_numpy(sources).to(output.device))

    handle = module.register_forward_hook(rearrange)
    try:
        yield wrapped
    finally:
        handle.remove()


class _Nobody:
    """Stands where a recommender would: the module has already been asked."""

    def __init__(self) -> None:
        self.description = {"recommender": "torch module"}

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        raise WrongUse(
            "a module that is mitigated in place answers when it is called.",
            expected="a call of the module itself.",
        )


def _sources(
    wrapped: MitigatedRecommender, scores: np.ndarray, items: Sequence[str], k: int
) -> np.ndarray:
    """Return for every place of the output the column whose score it gets."""
    by_score = np.argsort(-scores, axis=1, kind="stable")
    place = {item: column for column, item in enumerate(items)}
    rankings = []
    for row, columns in zip(scores, by_score, strict=True):
        finite = columns[np.isfinite(row[columns])]
        rankings.append(
            Ranking(
                tuple(items[int(column)] for column in finite),
                scores=tuple(row[finite].tolist()),
                outcome=Outcome.ANSWERED if len(finite) else Outcome.EMPTY,
            )
        )
    requests = [Request(k=k, candidates=ranking.items) for ranking in rankings]
    answered = wrapped.combine(requests, [[ranking] for ranking in rankings])
    sources = np.empty_like(by_score)
    for row, (columns, ranking) in enumerate(zip(by_score, answered, strict=True)):
        first = np.array([place[item] for item in ranking.items], dtype=np.int64)
        rest = columns[~np.isin(columns, first)]
        # The item that comes n-th in the new order takes the score that was the n-th highest.
        sources[row, np.concatenate([first, rest])] = columns
    return sources


@contextmanager
def rewritten_prompts(
    mitigation: Mitigation, model: Any, tokenizer: Any, on_error: OnError
) -> Iterator[MitigatedRecommender]:
    """Rewrite every prompt on its way into `model.generate` while the block lasts.

    The prompt is decoded, rewritten as a request's instruction, and encoded again. What is
    returned begins with the prompt that the caller gave, so that code which cuts it off by its
    length works on.

    Args:
        mitigation: One that only rewrites requests.
        model: A decoder-only or encoder–decoder transformers model.
        tokenizer: Its tokenizer.
        on_error: "raise", or "original" to let a prompt stand that cannot be rewritten.

    Raises:
        WrongUse: The mitigation does more than rewrite.
    """
    if not isinstance(mitigation, RewritesRequests):
        raise WrongUse(
            f"{mitigation.name!r} does more than rewrite the prompt.",
            expected="a mitigation that only rewrites, to be applied to generate().",
            do="wrap the recommender instead.",
        )
    wrapped = MitigatedRecommender(mitigation, _Nobody(), on_error)
    generate = model.generate

    def rewritten(inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
        import torch

        ids = kwargs.pop("input_ids", inputs)
        mask = kwargs.pop("attention_mask", None)
        kept = torch.ones_like(ids) if mask is None else mask
        texts = [
            tokenizer.decode(row[real.bool()], skip_special_tokens=False)
            for row, real in zip(ids, kept, strict=True)
        ]
        asked = [wrapped.expand(Request(k=1, instruction=text))[0].instruction for text in texts]
        if asked == texts:
            return generate(ids, *args, attention_mask=kept, **kwargs)
        encoded = _padded_left([_encoded(tokenizer, t) for t in asked], tokenizer, ids.device)
        output = generate(encoded[0], *args, attention_mask=encoded[1], **kwargs)
        if getattr(model.config, "is_encoder_decoder", False):
            return output
        repeats = _sequences(output).shape[0] // len(ids)
        prompts = ids.repeat_interleave(repeats, dim=0)
        whole = torch.cat([prompts, _sequences(output)[:, encoded[0].shape[1] :]], dim=1)
        if isinstance(output, torch.Tensor):
            return whole
        output.sequences = whole
        return output

    own = vars(model).get("generate")  # set where a mitigation is applied to it already
    model.generate = rewritten
    try:
        yield wrapped
    finally:
        if own is None:
            del model.generate
        else:
            model.generate = own


def _sequences(output: Any) -> torch.Tensor:
    return getattr(output, "sequences", output)


def _encoded(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def _padded_left(
    rows: Sequence[Sequence[int]], tokenizer: Any, device: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad, dtype=torch.long, device=device)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(rows):
        ids[row, width - len(tokens) :] = torch.tensor(tokens, dtype=torch.long)
        mask[row, width - len(tokens) :] = 1
    return ids, mask
