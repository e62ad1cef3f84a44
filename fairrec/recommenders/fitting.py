"""Prompts that are longer than a model can read: the oldest titles of the history go first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fairrec.catalogs import Catalog
from fairrec.prompts.shown_titles import find_titles, titles_of
from fairrec.protocols import Generation, HasContext, Prompt
from fairrec.types import Ranking, Request

_LONGEST = 4
"""Prompts of a request whose tokens are counted: the longest in characters."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A request as it can be asked.

    Attributes:
        request: With as much of the history as fits.
        note: What was left out, for the ranking's detail; empty when nothing was.
        fits: False where no history is short enough: the request cannot be asked.
    """

    request: Request
    note: str = ""
    fits: bool = True


def fit_histories(
    model: object,
    catalog: Catalog,
    requests: Sequence[Request],
    prompts_of: Callable[[Request], Sequence[Prompt]],
    room: int,
) -> list[Fitted]:
    """Shorten histories, in words and in structured form, until every prompt fits.

    Requests of one history and candidates, such as the arms of a comparison, lose the same
    number of titles: as many as the longest of them must. At least one title stays, and
    candidates are never touched. A model that does not know its limits is asked as it is.

    Args:
        model: Who reads the prompts.
        catalog: For the titles in the words.
        requests: What is asked.
        prompts_of: The prompts that a request becomes.
        room: Tokens to leave for the answer.
    """
    if not isinstance(model, HasContext):
        return [Fitted(request) for request in requests]
    limit = model.context_length - room

    def fits(request: Request) -> bool:
        longest = sorted(prompts_of(request), key=lambda prompt: -len(prompt.user))[:_LONGEST]
        return all(model.count_tokens(prompt) <= limit for prompt in longest)

    groups: dict[object, list[int]] = {}
    for i, request in enumerate(requests):
        groups.setdefault((request.history, request.candidates), []).append(i)
    fitted: dict[int, Fitted] = {}
    for places in groups.values():
        dropped = max(_fewest(requests[i], fits, catalog) for i in places)
        for i in places:
            fitted[i] = _fitted(requests[i], dropped, fits, catalog, limit)
    return [fitted[i] for i in range(len(requests))]


def write_fitted(
    model: object,
    catalog: Catalog,
    requests: Sequence[Request],
    prompt_of: Callable[[Request], Prompt],
    room: int,
    write: Callable[[list[Prompt], list[Request]], list[Generation]],
) -> list[tuple[Generation, str]]:
    """Let a model write for each request as it can be asked, and say what of it was left out.

    A request that cannot be asked has a generation that ended in an error.

    Args:
        model: See `fit_histories`, as for `catalog`, `requests` and `room`.
        catalog: See there.
        requests: See there.
        prompt_of: The prompt that a request becomes.
        room: See there.
        write: Writes a text per prompt; given the requests that they belong to.
    """
    fitted = fit_histories(model, catalog, requests, lambda request: [prompt_of(request)], room)
    asked = [one.request for one in fitted if one.fits]
    written = iter(write([prompt_of(request) for request in asked], asked))
    return [
        (next(written), one.note) if one.fits else (Generation("", "error", detail=one.note), "")
        for one in fitted
    ]


def noted(ranking: Ranking, note: str) -> Ranking:
    """Return a ranking whose detail begins with what was left out of the words."""
    if not note:
        return ranking
    return replace(ranking, detail="; ".join(filter(None, (note, ranking.detail))))


def _fewest(request: Request, fits: Callable[[Request], bool], catalog: Catalog) -> int:
    """Return how few of the oldest titles must go, or all but one where even that will not do."""
    few, many = 0, len(_shown(request, catalog))
    if many < 2 or fits(request):
        return 0
    many -= 1
    while few < many:
        middle = (few + many) // 2
        if fits(without_oldest(request, middle, catalog)):
            many = middle
        else:
            few = middle + 1
    return few


def _fitted(
    request: Request, dropped: int, fits: Callable[[Request], bool], catalog: Catalog, limit: int
) -> Fitted:
    shorter = without_oldest(request, dropped, catalog)
    if not fits(shorter):
        return Fitted(request, f"the prompt is longer than the {limit} tokens there are", False)
    if not dropped:
        return Fitted(request)
    n = len(request.history)
    return Fitted(shorter, f"the oldest {dropped} of {n} titles of the history did not fit")


def without_oldest(request: Request, n: int, catalog: Catalog) -> Request:
    """Return the request without the `n` oldest items of its history, in its words too.

    A request whose words do not show its history exactly once is returned as it is.
    """
    spans = _shown(request, catalog)
    if not 0 < n < len(spans):
        return request
    words = request.instruction
    return replace(
        request,
        history=request.history[n:],
        instruction=words[: spans[0].start] + words[spans[n].start :],
    )


def _shown(request: Request, catalog: Catalog) -> list:
    found = find_titles(request.instruction, titles_of(request.history, catalog))
    return found[0] if len(found) == 1 else []
