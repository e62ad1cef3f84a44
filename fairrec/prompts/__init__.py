"""Words for probes: attributes and their values, templates."""

from fairrec.prompts.attributes import (
    NEUTRAL_PHRASE,
    Attribute,
    AttributeValue,
    attribute,
    attribute_names,
    custom_attribute,
)
from fairrec.prompts.templates import TEMPLATES, USER_TEMPLATES, Template

__all__ = [
    "NEUTRAL_PHRASE",
    "TEMPLATES",
    "USER_TEMPLATES",
    "Attribute",
    "AttributeValue",
    "Template",
    "attribute",
    "attribute_names",
    "custom_attribute",
]
