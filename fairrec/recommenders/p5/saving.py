"""An item-ID generator as a folder: model, tokenizer, and what it knows of items and users."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fairrec.catalogs import Catalog
from fairrec.errors import ModelUnavailable
from fairrec.files import write_atomically
from fairrec.recommenders.p5.generator import ItemIdGenerator
from fairrec.recommenders.p5.network import load_network, save_network

FACTS = "item_id_generator.json"


def save_generator(generator: ItemIdGenerator, folder: Path) -> None:
    """Write a recommender to a folder; of the catalogue, ids and titles are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    save_network(generator.network, folder)
    facts = {
        "items": [list(generator.catalog.ids), list(generator.catalog.titles)],
        "codes": generator.codes.tolist(),
        "users": list(generator.users),
        "states": {name: list(values) for name, values in generator.states.items()},
        "history": generator.history,
        "beams": generator.beams,
        "span": generator.span,
        "trained": generator.trained,
    }
    write_atomically(folder / FACTS, json.dumps(facts))


def load_generator(folder: Path) -> ItemIdGenerator:
    """Read what `save_generator` wrote.

    Raises:
        ModelUnavailable: The folder does not hold it.
    """
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        ids, titles = facts.pop("items")
        codes = np.array(facts.pop("codes"), dtype=np.intp)
    except (OSError, ValueError, KeyError) as error:
        raise ModelUnavailable(
            f"{folder} holds no item-ID generator: {error}",
            expected=f"a folder with {FACTS}, as `fairrec train p5` writes it.",
        ) from error
    users = facts.pop("users")
    return ItemIdGenerator(
        load_network(folder), Catalog(tuple(ids), tuple(titles)), codes, users, **facts
    )
