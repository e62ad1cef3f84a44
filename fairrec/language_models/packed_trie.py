"""Many continuations of one prompt as a trie: each shared beginning is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROOT = -1
"""Parent of the first tokens, and the place of the prompt's last token among the places."""


@dataclass(frozen=True, slots=True)
class TrieChunk:
    """Part of a trie that fits into one forward pass.

    Attributes:
        tokens: Token of each inner node, parents before children.
        depths: Distance of each node from the prompt's end, from 0.
        visible: Which nodes each node attends to (itself and its ancestors), n x n.
        continuations: Which continuations this chunk scores, by their place in the input.
        places: For every scored token of those continuations, one after the other, the node
            whose prediction it is; `ROOT` for the prompt's last token.
        targets: Those tokens.
        lengths: Scored tokens per continuation.
    """

    tokens: NDArray[np.int64]
    depths: NDArray[np.int64]
    visible: NDArray[np.bool_]
    continuations: list[int]
    places: NDArray[np.int64]
    targets: NDArray[np.int64]
    lengths: list[int]


def pack(
    continuations: Sequence[Sequence[int]], most_nodes: int = 512, last: int | None = None
) -> list[TrieChunk]:
    """Pack tokenised continuations, each of at least one token, into chunks of a trie.

    Of each continuation the last `last` tokens are scored, or all. A chunk holds at most
    `most_nodes` inner nodes (more only where a single continuation has more). The last token of a
    continuation predicts nothing and is no node unless another continuation goes on from it.
    """
    chunks: list[TrieChunk] = []
    # Neighbours in this order share the longest beginnings, so few are cut by a chunk's end.
    order = sorted(range(len(continuations)), key=lambda i: tuple(continuations[i]))
    members: list[int] = []
    nodes: dict[tuple[int, ...], int] = {}
    for i in order:
        tokens = tuple(continuations[i])
        fresh = [tokens[:n] for n in range(1, len(tokens)) if tokens[:n] not in nodes]
        if members and len(nodes) + len(fresh) > most_nodes:
            chunks.append(_chunk(members, nodes, continuations, last))
            members, nodes = [], {}
            fresh = [tokens[:n] for n in range(1, len(tokens))]
        members.append(i)
        for beginning in fresh:
            nodes[beginning] = len(nodes)
    if members:
        chunks.append(_chunk(members, nodes, continuations, last))
    return chunks


def _chunk(
    members: list[int],
    nodes: dict[tuple[int, ...], int],
    continuations: Sequence[Sequence[int]],
    last: int | None,
) -> TrieChunk:
    visible = np.zeros((len(nodes), len(nodes)), dtype=bool)
    for beginning, node in nodes.items():
        if len(beginning) > 1:
            visible[node] = visible[nodes[beginning[:-1]]]
        visible[node, node] = True
    scored = [tuple(continuations[i]) for i in members]
    starts = [0 if last is None else max(0, len(tokens) - last) for tokens in scored]
    read = [(t, n) for t, start in zip(scored, starts, strict=True) for n in range(start, len(t))]
    return TrieChunk(
        tokens=np.array([beginning[-1] for beginning in nodes], dtype=np.int64),
        depths=np.array([len(beginning) - 1 for beginning in nodes], dtype=np.int64),
        visible=visible,
        continuations=members,
        places=np.array([nodes.get(t[:n], ROOT) for t, n in read]),
        targets=np.array([t[n] for t, n in read], dtype=np.int64),
        lengths=[len(t) - start for t, start in zip(scored, starts, strict=True)],
    )
