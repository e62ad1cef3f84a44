"""How an audit asks on behalf of a user: the same words for every user, arm and audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairrec.errors import BadData, WrongUse
from fairrec.prompts import Attribute, Template
from fairrec.types import Answer, Probe, Ranking, Request
from fairrec.users import User, check_users


def user_request(
    user: User,
    template: Template,
    k: int,
    *,
    titles: Mapping[str, str],
    value: str | None = None,
    statement: str = "",
    profile: Mapping[str, str] | None = None,
    slots: Mapping[str, str] | None = None,
    replicate: int = 0,
) -> Request:
    """Return the request of a user who states what `value` or `statement` says.

    Args:
        user: Whose history and candidates are shown.
        template: The words.
        k: Items asked for.
        titles: Item titles by id, for the words; an id without a title stands for itself.
        value: What stands before a noun; None for what the template has there for nothing.
        statement: A sentence; empty states nothing.
        profile: The same in structured form; empty states nothing.
        slots: What else tells this request from the user's others, such as which template.
        replicate: Counts repeats of the same request.
    """

    def listed(items: Sequence[str]) -> str:
        return "; ".join(titles.get(item, item) for item in items)

    return Request(
        k=k,
        instruction=template.instruction(
            k=k,
            value=value,
            statement=statement,
            history=listed(user.history),
            candidates=listed(user.candidates or ()),
        ),
        system=template.system,
        profile=profile or {},
        slots={"user": user.id, **(slots or {})},
        history=user.history,
        candidates=user.candidates,
        replicate=replicate,
    )


def check_audited(users: Sequence[User], attributes: Sequence[str] | None) -> None:
    """Check that there is somebody to compare.

    Args:
        users: Who is asked for.
        attributes: What users must have values of; None where their own do not matter.

    Raises:
        BadData: A user is there twice, or nobody has one of the attributes.
        WrongUse: Fewer than 2 users, or no attribute.
    """
    check_users(users)
    if len(users) < 2:
        raise WrongUse(
            f"the audit has {len(users)} user(s).",
            expected="at least 2, better 50: users are what uncertainty is estimated from.",
            do="name more users.",
        )
    if attributes is None:
        return
    if not attributes:
        raise WrongUse(
            "the audit has no attribute.",
            expected="at least one sensitive attribute.",
            do="name one, such as gender.",
        )
    for attribute in attributes:
        if not any(attribute in user.profile for user in users):
            known = sorted({name for user in users for name in user.profile})
            raise BadData(
                f"no user has the attribute {attribute!r}.",
                expected=f"one that users have: {', '.join(known) or 'there is none'}.",
                do="name another attribute or add it to the users' profiles.",
            )


def check_least(**numbers: tuple[float, float]) -> None:
    """Check settings against the least that they can be.

    Args:
        numbers: By name, what is given and the least it can be.

    Raises:
        WrongUse: A number is below it.
    """
    for name, (given, lowest) in numbers.items():
        if given < lowest:
            raise WrongUse(f"{name} is {given}.", expected=f"at least {lowest}.")


def check_share(name: str, given: float) -> None:
    """Check that a number lies between 0 and 1.

    Raises:
        WrongUse: It does not.
    """
    if not 0 < given < 1:
        raise WrongUse(f"the {name} is {given}.", expected="a number between 0 and 1.")


def check_words(template: Template, attributes: Sequence[Attribute]) -> None:
    """Check that a template can state every value: unsaid, it would pass for neutral.

    Raises:
        WrongUse: A value has none of the forms that the template has a place for.
    """
    for attribute in attributes:
        for value in attribute.values:
            said = [
                form
                for form in ("phrase", "statement")
                if getattr(value, form) and {"phrase": "value"}.get(form, form) in template.fields
            ]
            if not said:
                raise WrongUse(
                    f"the template {template.user!r} cannot state {attribute.name} = "
                    f"{value.value!r}.",
                    expected="a phrase for {value} or a sentence for {statement}.",
                    do="give the value the form that the template has a place for.",
                )


def rankings_by_probe(probes: Sequence[Probe], answers: Sequence[Answer]) -> dict[str, Ranking]:
    """Return the rankings of the probes by probe id.

    Raises:
        BadData: A probe has no answer.
    """
    rankings = {answer.probe_id: answer.ranking for answer in answers}
    missing = [probe for probe in probes if probe.id not in rankings]
    if missing:
        raise BadData(
            f"{len(missing)} of {len(probes)} probes have no answer, among them "
            f"{missing[0].cluster!r} ({missing[0].arm}).",
            expected="an answer to every probe; one that failed is an answer with its outcome.",
            do="ask the missing ones, or judge the others alone.",
        )
    return rankings
