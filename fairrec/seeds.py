"""Seeds derived from a run's seed and what they are for, so that order never matters."""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(run_seed: int, *purpose: str) -> int:
    """Return a 63-bit seed that depends on the run's seed and the purpose alone.

    >>> derive_seed(0, "topic", "Spike Lee") == derive_seed(0, "topic", "Spike Lee")
    True
    >>> derive_seed(0, "a", "b") == derive_seed(0, "ab")
    False
    """
    digest = hashlib.sha256()
    for part in (str(run_seed), *purpose):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return int.from_bytes(digest.digest()[:8], "big") >> 1


def generator(run_seed: int, *purpose: str) -> np.random.Generator:
    """Return a NumPy generator for one purpose of one run."""
    return np.random.default_rng(derive_seed(run_seed, *purpose))
