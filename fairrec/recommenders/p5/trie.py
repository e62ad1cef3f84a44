"""Which tokens may come next, so that what a model writes is an item's code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class CodeTrie:
    """The codes of items as a trie in arrays.

    Args:
        codes: items x length, distinct rows of tokens; all of one length.

    Attributes:
        length: Tokens of a code.
        nodes: At each depth from 1 to length, the distinct beginnings of that length: an array
            nodes x depth, in lexicographic order.
        node_of: At each depth from 0, the node of each item (depth 0 has one, the root).
        parents: At each depth from 1, the node one less deep that each node goes on from.
    """

    def __init__(self, codes: NDArray[np.intp]) -> None:
        self.codes = codes
        self.length = codes.shape[1]
        self.nodes: list[NDArray[np.intp]] = [np.zeros((1, 0), dtype=np.intp)]
        self.node_of: list[NDArray[np.intp]] = [np.zeros(len(codes), dtype=np.intp)]
        self.parents: list[NDArray[np.intp]] = [np.zeros(1, dtype=np.intp)]
        for depth in range(1, self.length + 1):
            nodes, first, of = np.unique(
                codes[:, :depth], axis=0, return_index=True, return_inverse=True
            )
            self.nodes.append(nodes)
            self.node_of.append(of.reshape(-1))
            self.parents.append(self.node_of[depth - 1][first])
        self._item_at = np.argsort(self.node_of[-1])

    def items(self, written: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the item of each row of tokens, of shape (n, length); -1 where it is none's."""
        return self._find(written, self.length, self._item_at)

    def _find(
        self, written: NDArray[np.intp], depth: int, values: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        nodes = np.zeros(len(written), dtype=np.intp)
        for d in range(1, depth + 1):
            # A node and a token make one number, so that a sorted search finds the child.
            base = int(max(self.nodes[d][:, -1].max(), written[:, :d].max(initial=0))) + 1
            keys = self.parents[d] * base + self.nodes[d][:, -1]
            wanted = np.where(nodes < 0, -1, nodes * base + written[:, d - 1])
            place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            nodes = np.where(keys[place] == wanted, place, -1)
        return np.where(nodes < 0, -1, values[nodes])

    def open_nodes(self, allowed: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
        """Return, per depth from 1, which nodes lead to an allowed item.

        Args:
            allowed: lists x items.

        Returns:
            One array lists x nodes per depth.
        """
        opened = []
        for depth in range(1, self.length + 1):
            order = np.argsort(self.node_of[depth], kind="stable")
            starts = np.searchsorted(self.node_of[depth][order], np.arange(len(self.nodes[depth])))
            opened.append(np.logical_or.reduceat(allowed[:, order], starts, axis=1))
        return opened

    def next_allowed(
        self, written: NDArray[np.intp], opened: Sequence[NDArray[np.bool_]], vocabulary: int
    ) -> NDArray[np.bool_]:
        """Return which tokens may follow.

        Args:
            written: n x d tokens so far, d below the length; a row that is no node's has none.
            opened: What `open_nodes` returned, one row for each row of `written`.
            vocabulary: Number of tokens.

        Returns:
            n x vocabulary.
        """
        depth = written.shape[1]
        here = self._find(written, depth, np.arange(len(self.nodes[depth])))
        may = np.zeros((len(written), vocabulary), dtype=bool)
        rows, children = np.nonzero(
            opened[depth] & (self.parents[depth + 1][None, :] == here[:, None])
        )
        may[rows, self.nodes[depth + 1][children, -1]] = True
        return may
