"""What a mitigation is: something that stands between a request and its answer.

It says what to ask the original recommender instead (`expand`) and what to answer with what
came back (`combine`). Neither asks anything: so answers that are recorded once serve every
mitigation and every strength of it, and a mitigation works live and on recorded answers alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fairrec.catalogs import Catalog
from fairrec.types import Ranking, Request

if TYPE_CHECKING:
    from fairrec.protocols import Recommender

OnError = Literal["raise", "original"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Mitigation:
    """Base of all mitigations; subclasses are frozen dataclasses whose fields are settings.

    Attributes:
        name: Short name in commands, settings and provenance, such as "fa_ir".
        version: Raised when the same answers would be changed differently.
        strength: Name of the field that says how much is changed, for sweeps; "" if none.
    """

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    strength: ClassVar[str] = ""

    @property
    def description(self) -> Mapping[str, Any]:
        """Name, version and all that changes an answer: plain JSON types."""
        settings = {
            field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)
        }
        return {"mitigation": self.name, "version": self.version, **settings}

    def expand(self, request: Request) -> list[Request]:
        """Return what to ask the original: at least one request; itself alone by default."""
        return [request]

    def combine(
        self,
        requests: Sequence[Request],
        answers: Sequence[Sequence[Ranking]],
        state: Any = None,
    ) -> list[Ranking]:
        """Return one ranking per request, in order; the first answer of each by default.

        Args:
            requests: As they were asked of the mitigated recommender.
            answers: For each, the rankings of what `expand` returned for it.
            state: What `start` returned: read and advanced by methods that remember; a pure
                function of the other two where it is None.
        """
        return [ranking for ranking, *_ in answers]

    def start(self) -> Any:
        """Return a fresh memory for methods that rank one list after another, else None."""
        return None

    def wrap(self, recommender: Recommender, *, on_error: OnError = "raise") -> Recommender:
        """Return a recommender around `recommender` (see `fairrec.mitigations.mitigated`)."""
        from fairrec.mitigations.mitigated import mitigated

        return mitigated(self, recommender, on_error)

    def applied_to(self, obj: Any, **how: Any) -> AbstractContextManager[Any]:
        """Change the behaviour of an object itself until the `with` block ends.

        See `fairrec.mitigations.in_place.applied_to` for what it can be.
        """
        from fairrec.mitigations.in_place import applied_to

        return applied_to(self, obj, **how)


class RewritesRequests(Mitigation):
    """Base of mitigations that only change what is asked: the answer is the original's own.

    `expand` returns one request. Scores and text of the original keep their meaning.
    """

    def combine_scores(
        self, request: Request, items: Sequence[str], scores: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return the original's scores under the rewritten request."""
        return scores[0]


def _plain(value: Any) -> Any:
    """Return a setting as plain JSON types; a catalogue as the hash of its content."""
    if isinstance(value, Catalog):
        return value.content_hash
    if isinstance(value, Mitigation):
        return dict(value.description)
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)
