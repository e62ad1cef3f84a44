"""Words for probes: attributes and their values, templates, implicit cues."""

from fairrec.prompts.attributes import (
    NEUTRAL_PHRASE,
    Attribute,
    AttributeValue,
    custom_attribute,
)
from fairrec.prompts.cue_sets import CueSet
from fairrec.prompts.embedded import (
    LANGUAGES,
    TEMPLATES,
    USER_TEMPLATES,
    attribute,
    attribute_names,
    cue_kinds,
    cues,
    template,
    template_names,
)
from fairrec.prompts.templates import Template
from fairrec.prompts.words import Words, read_words

__all__ = [
    "LANGUAGES",
    "NEUTRAL_PHRASE",
    "TEMPLATES",
    "USER_TEMPLATES",
    "Attribute",
    "AttributeValue",
    "CueSet",
    "Template",
    "Words",
    "attribute",
    "attribute_names",
    "cue_kinds",
    "cues",
    "custom_attribute",
    "read_words",
    "template",
    "template_names",
]
