"""Texts that a language model writes once and that are kept: what a conventional model reads."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fairrec.errors import BadData
from fairrec.files import write_atomically
from fairrec.protocols import Generation, GenerationParameters, LanguageModel, Prompt
from fairrec.recommenders.answers.cleaning import valid_text
from fairrec.recommenders.generations import described, withheld
from fairrec.types import content_hash


class WrittenTexts:
    """A language model's texts by prompt, in memory and, where a file is given, on disk.

    Args:
        model: What writes.
        parameters: How. At a temperature above 0 a prompt is sampled once, with the run's seed.
        path: JSON file to keep texts in; texts of another model or other parameters in it are
            kept and not used.

    Raises:
        BadData: The file holds something else.
    """

    def __init__(
        self, model: LanguageModel, parameters: GenerationParameters, path: Path | None = None
    ) -> None:
        self._model = model
        self._parameters = parameters
        self._path = path
        self._kept: dict[str, str] = {}
        if path is not None and path.exists():
            self._kept = _read(path)

    @property
    def description(self) -> dict[str, Any]:
        """The model and how it writes, in plain JSON types."""
        return {
            "model": dict(self._model.description),
            "parameters": described(self._parameters),
        }

    def write(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """Return one text per prompt; what was written before is not asked again.

        What the back-end failed to write, or withheld, is not kept.
        """
        told = self.description
        keys = [content_hash([told, dataclasses.asdict(prompt)]) for prompt in prompts]
        missing = {
            key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in self._kept
        }
        fresh: dict[str, Generation] = {}
        if missing:
            written = self._model.generate(list(missing.values()), self._parameters)
            fresh = dict(zip(missing, written, strict=True))
            given = {key: found for key, found in fresh.items() if withheld(found) is None}
            self._kept.update((k, valid_text(found.text).strip()) for k, found in given.items())
            if self._path is not None and given:
                content = json.dumps(self._kept, ensure_ascii=False, indent=1)
                write_atomically(self._path, content)
        return [Generation(self._kept[key]) if key in self._kept else fresh[key] for key in keys]


def _read(path: Path) -> dict[str, str]:
    try:
        kept = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadData(
            f"{path} cannot be read: {error}.",
            expected="a JSON file of texts that fairrec wrote.",
            do="name another file, or remove this one; its texts are written anew.",
        ) from error
    if not isinstance(kept, dict) or not all(isinstance(text, str) for text in kept.values()):
        raise BadData(f"{path} holds no texts.", expected="a JSON object of texts.")
    return kept
