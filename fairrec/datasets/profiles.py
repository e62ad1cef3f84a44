"""What sources call people, in words that can be read: one place for the vocabularies."""

from __future__ import annotations

from collections.abc import Mapping

AGE_BANDS: tuple[tuple[int, str], ...] = (
    (1, "under 18"),
    (18, "18-24"),
    (25, "25-34"),
    (35, "35-44"),
    (45, "45-49"),
    (50, "50-55"),
    (56, "56+"),
)
"""First year and name of each band: those of MovieLens 1M, whose codes are the first years."""

OLDEST = 120
"""Years; a higher age, or one below 1, says nothing and counts as unknown."""

GENDERS = {"f": "female", "female": "female", "m": "male", "male": "male"}

OCCUPATIONS: tuple[str, ...] = (
    "other",
    "academic or educator",
    "artist",
    "clerical or admin",
    "college or graduate student",
    "customer service",
    "doctor or health care",
    "executive or manager",
    "farmer",
    "homemaker",
    "school student",
    "lawyer",
    "programmer",
    "retired",
    "sales or marketing",
    "scientist",
    "self-employed",
    "technician or engineer",
    "tradesperson",
    "unemployed",
    "writer",
)
"""What the codes 0 to 20 of MovieLens 1M stand for."""

_UNKNOWN = frozenset({"", "unknown", "nan", "null", "n/a"})


def age_band(age: str) -> str | None:
    """Return the name of the band that an age in years falls in, or None where it says nothing.

    Text that is no number is taken for a band's name already.

    >>> age_band("24"), age_band("56.0"), age_band("middle aged"), age_band("-7")
    ('18-24', '56+', 'middle aged', None)
    """
    try:
        years = float(age)
    except ValueError:
        return plain_text(age)
    if not 1 <= years <= OLDEST:
        return None
    return [name for start, name in AGE_BANDS if start <= years][-1]


def plain_text(text: str) -> str | None:
    """Return untrusted text on one line without unprintable characters; None for unknown."""
    words = " ".join(text.split())
    words = "".join(letter for letter in words if letter.isprintable())
    return None if words.casefold() in _UNKNOWN else words


def make_profile(said: Mapping[str, str | None]) -> dict[str, str]:
    """Return a profile in readable values; what is unknown is left out.

    ``gender`` becomes "female" or "male" where the source says f or m, ``age`` a band; everything
    else stands as given.

    >>> make_profile({"gender": "F", "age": "33", "country": "Iceland", "occupation": ""})
    {'gender': 'female', 'age': '25-34', 'country': 'Iceland'}
    """
    profile = {}
    for name, text in said.items():
        value = plain_text(text or "")
        if value is not None and name == "gender":
            value = GENDERS.get(value.casefold(), value)
        elif value is not None and name == "age":
            value = age_band(value)
        if value is not None:
            profile[name] = value
    return profile
