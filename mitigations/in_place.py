"""Changes the behaviour of an object that is in use already, and puts it back.

`with mitigation.applied_to(obj):` is for what cannot be replaced by a wrapped recommender:
other code holds the object itself. Inside the block the object is mitigated, whoever calls it;
after it, exceptions included, it is as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from fairrec.errors import WrongUse
from fairrec.mitigations.mitigation import Mitigation, OnError
from fairrec.protocols import Recommender
from fairrec.types import Outcome, Ranking, Request

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def applied_to(
    mitigation: Mitigation,
    obj: Any,
    *,
    method: str | None = None,
    request: Callable[..., Request] | None = None,
    arguments: Callable[[Request], Arguments] | None = None,
    tokenizer: Any = None,
    items: Sequence[str] | None = None,
    k: int | None = None,
    on_error: OnError = "raise",
) -> AbstractContextManager[Any]:
    """Return a context manager in which `obj` itself is mitigated.

    What `obj` can be:

    - a fairrec recommender: `recommend` and `description` change;
    - any object: `method` names what is called and `request` makes a `Request` of the call's
      arguments. The method returns item ids, pairs of id and score, or a `Ranking`, and so it
      does inside the block. `arguments` makes a call of a request again, for mitigations that
      ask something else than what was asked;
    - a torch module that scores items: `items` names the columns of the scores it returns, `k`
      how many are shown; the scores are rearranged so that sorting them gives the new lists;
    - a transformers model, with its `tokenizer`: prompts are rewritten on their way into
      `generate` (mitigations of text alone).

    Args:
        mitigation: What is changed.
        obj: The object in use.
        method, request, arguments: See above.
        tokenizer: The tokenizer of a transformers model.
        items, k: Columns of a torch module's scores, and how many are shown.
        on_error: See `fairrec.mitigations.mitigated.MitigatedRecommender`.

    Raises:
        WrongUse: The object is none of these, or the mitigation does not fit it.
    """
    if tokenizer is not None:
        from fairrec.mitigations.in_place_torch import rewritten_prompts

        return rewritten_prompts(mitigation, obj, tokenizer, on_error)
    if items is not None:
        from fairrec.mitigations.in_place_torch import rearranged_scores

        return rearranged_scores(mitigation, obj, items, k, on_error)
    if method is not None and request is not None:
        return _method(mitigation, obj, method, request, arguments, on_error)
    if method is None and isinstance(obj, Recommender):
        return _recommender(mitigation, obj, on_error)
    raise WrongUse(
        f"it is not clear how {type(obj).__name__} recommends.",
        expected="a fairrec recommender, or method= and request=, tokenizer=, or items=.",
        do="say which method recommends and how its arguments make a request, such as "
        'applied_to(obj, method="rank", request=lambda user, n: Request(k=n)).',
    )


@contextmanager
def _recommender(
    mitigation: Mitigation, obj: Recommender, on_error: OnError
) -> Iterator[Recommender]:
    """Give the object another class for a while: its description must change with it, or
    answers recorded before would be taken for its own."""
    own = type(obj)
    wrapped = mitigation.wrap(copy.copy(obj), on_error=on_error)
    names = ("description", "original", "recommend", "expand", "combine", "score", "request_text")
    kept = {name: property(_of(wrapped, name)) for name in names if hasattr(wrapped, name)}
    lost = {
        name: property(_gone(name)) for name in names if hasattr(obj, name) and name not in kept
    }
    try:
        # Properties go before what the object itself holds under these names.
        obj.__class__ = type(own.__name__, (own,), {"__slots__": (), **kept, **lost})
    except TypeError as error:
        raise WrongUse(
            f"{own.__name__} cannot be changed in place: {error}.",
            expected="an object of an ordinary Python class.",
            do="use mitigation.wrap(recommender) in its place.",
        ) from error
    try:
        yield wrapped
    finally:
        obj.__class__ = own


def _of(wrapped: Recommender, name: str) -> Callable[[Any], Any]:
    return lambda self: getattr(wrapped, name)


def _gone(name: str) -> Callable[[Any], Any]:
    def missing(self: Any) -> Any:
        raise AttributeError(f"{name} does not hold while a mitigation is applied")

    return missing


@contextmanager
def _method(
    mitigation: Mitigation,
    obj: Any,
    method: str,
    request: Callable[..., Request],
    arguments: Callable[[Request], Arguments] | None,
    on_error: OnError,
) -> Iterator[Recommender]:
    call = getattr(obj, method, None)
    if not callable(call):
        raise WrongUse(
            f"{type(obj).__name__} has no method {method!r}.",
            expected="the name of the method that recommends.",
        )
    caller = _Caller(obj, call, arguments)
    wrapped = mitigation.wrap(caller, on_error=on_error)

    def recommend(*args: Any, **kwargs: Any) -> Any:
        asked = request(*args, **kwargs)
        with caller.asked_as(asked, (args, kwargs)):
            ranking = wrapped.recommend([asked])[0]
        return _like(caller.returned, ranking)

    own = vars(obj).get(method, _NOTHING) if hasattr(obj, "__dict__") else _NOTHING
    setattr(obj, method, recommend)
    try:
        yield wrapped
    finally:
        if own is _NOTHING:
            delattr(obj, method)
        else:
            setattr(obj, method, own)


_NOTHING = object()


class _Caller:
    """An object's method as a recommender: one call a request."""

    def __init__(
        self, obj: Any, call: Callable[..., Any], arguments: Callable[[Request], Arguments] | None
    ) -> None:
        self.description = {"recommender": "method", "name": type(obj).__qualname__}
        self.returned: Any = ()
        self._call = call
        self._arguments = arguments
        self._known: tuple[Request, Arguments] | None = None

    @contextmanager
    def asked_as(self, request: Request, arguments: Arguments) -> Iterator[None]:
        self._known = (request, arguments)
        try:
            yield
        finally:
            self._known = None

    def recommend(self, requests: Sequence[Request]) -> list[Ranking]:
        return [self._ask(request) for request in requests]

    def _ask(self, request: Request) -> Ranking:
        if self._arguments is not None:
            args, kwargs = self._arguments(request)
        elif self._known is not None and self._known[0] == request:
            args, kwargs = self._known[1]
        else:
            raise WrongUse(
                "the mitigation asks something else than what was asked.",
                expected="arguments=, which makes a call of any request.",
                do="give arguments=lambda request: ((user,), {}) with what the method takes.",
            )
        self.returned = self._call(*args, **kwargs)
        return _read(self.returned)


def _read(returned: Any) -> Ranking:
    """Return what a method returned as a ranking: a ranking, ids, or pairs of id and score."""
    if isinstance(returned, Ranking):
        return returned
    entries = list(returned)
    if not entries:
        return Ranking(outcome=Outcome.EMPTY)
    if all(isinstance(entry, str) for entry in entries):
        return Ranking(tuple(entries))
    if all(isinstance(entry, (tuple, list)) and len(entry) == 2 for entry in entries):
        return Ranking(
            tuple(str(item) for item, _ in entries),
            scores=tuple(float(score) for _, score in entries),
        )
    raise WrongUse(
        f"the method returned {type(returned).__name__} of {type(entries[0]).__name__}.",
        expected="item ids, pairs of id and score, or a Ranking.",
    )


def _like(returned: Any, ranking: Ranking) -> Any:
    """Return a ranking in the form in which the method returns its own."""
    if isinstance(returned, Ranking):
        return ranking
    entries: list[Any] = list(ranking.items)
    if ranking.scores is not None and len(returned) and not isinstance(next(iter(returned)), str):
        pair: Any = type(next(iter(returned)))
        entries = [
            pair((item, score)) for item, score in zip(ranking.items, ranking.scores, strict=True)
        ]
    return tuple(entries) if isinstance(returned, tuple) else entries
