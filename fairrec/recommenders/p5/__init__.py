"""Item-ID generators in the manner of P5. Imports torch and transformers."""

from fairrec.recommenders.p5.examples import Examples
from fairrec.recommenders.p5.generator import ItemIdGenerator
from fairrec.recommenders.p5.indexing import item_codes
from fairrec.recommenders.p5.saving import load_generator, save_generator
from fairrec.recommenders.p5.training import P5Settings, train_p5

__all__ = [
    "Examples",
    "ItemIdGenerator",
    "P5Settings",
    "item_codes",
    "load_generator",
    "save_generator",
    "train_p5",
]
