"""Prefixes that are trained: one per attribute, mixed for any set of them.

Wenyue Hua, Yingqiang Ge, Shuyuan Xu, Jianchao Ji, Zelong Li and Yongfeng Zhang, "UP5: Unbiased
Foundation Model for Fairness-aware Recommendation", EACL 2024, sections 4.2 and 4.4; Xiang Lisa
Li and Percy Liang, "Prefix-Tuning", ACL 2021.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from fairrec.mitigations.cfp.attaching import KeysValues, Site


class FairPrefixes(nn.Module):
    """A prefix for every non-empty set of attributes.

    Each attribute has `length` trained vectors. Those of the chosen attributes are attended to by
    `length` learned queries, which makes one prefix of them whatever their number; a perceptron
    (tanh) turns its vectors into the keys and values of all sites. Theirs mixes trained prefixes
    afterwards; here all sets are trained together, and the perceptron is shared.

    Args:
        attributes: Names.
        sites: Where prefixes go.
        length: Of a prefix, at least 1.
        width: Of the trained vectors and of the hidden layer.
        scale: Standard deviation of the first keys and values: small ones take little attention
            from the prompt, and training starts near the model as it is.
    """

    def __init__(
        self,
        attributes: Sequence[str],
        sites: Sequence[Site],
        length: int = 5,
        width: int = 64,
        scale: float = 0.02,
    ) -> None:
        super().__init__()
        self.attributes = tuple(attributes)
        self.sites = tuple(sites)
        self.vectors = nn.Parameter(torch.randn(len(attributes), length, width))
        self.queries = nn.Parameter(torch.randn(length, width))
        self.to_keys = nn.Linear(width, width, bias=False)
        self.hidden = nn.Linear(width, width)
        self.out = nn.Linear(width, sum(2 * s.heads * s.dimension for s in sites))
        nn.init.normal_(self.out.weight, std=scale)
        nn.init.zeros_(self.out.bias)

    def forward(self, chosen: Sequence[str]) -> dict[str, KeysValues]:
        """Return keys and values for a non-empty set of attributes, by site."""
        vectors = self.vectors[[self.attributes.index(name) for name in chosen]]
        length, width = vectors.shape[1:]
        places = torch.eye(length).repeat(1, len(chosen)) * 2
        offered = vectors.flatten(0, 1)
        fit = self.queries @ self.to_keys(offered).T / width**0.5 + places.to(offered)
        mixed = fit.softmax(-1) @ offered
        flat = self.out(torch.tanh(self.hidden(mixed)))
        pairs = {}
        for site, part in zip(
            self.sites, flat.split([2 * s.heads * s.dimension for s in self.sites], -1), strict=True
        ):
            keys, values = part.view(length, 2, site.heads, site.dimension).permute(1, 2, 0, 3)
            pairs[site.name] = (keys, values)
        return pairs
