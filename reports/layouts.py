"""Which findings of an audit a reader sees first, and how the audit asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fairrec.results import AuditResult, Finding

DISTINCT = 0.05
"""Adjusted p-value below which a difference is told from noise."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the results of one audit are shown.

    Attributes:
        first: Statistics of the short table and of the first figures, the main one first.
        overview: Statistics that open the short table and are not drawn: one number for all.
        by_metric: Whether the first table and figures show every metric, a row each.
        by_value: Statistic that is drawn value by value; "" for none.
        by_value_title: What it is, for a heading.
        by_value_note: How to read its figures.
        floor: Statistic that is drawn as a line beside it; "" for none.
        outstanding: Statistic of which the clearest findings join the short table; "" for none.
        compared_by: Metric of the worst pairs.
        asked: How the audit asked, in a paragraph.
        chance: What is shuffled to see what chance alone does, for "arises when …".
        noise: What the noise floor is.
    """

    first: tuple[str, ...] = ()
    overview: tuple[str, ...] = ()
    by_metric: bool = False
    by_value: str = ""
    by_value_title: str = ""
    by_value_note: str = ""
    floor: str = ""
    outstanding: str = ""
    compared_by: str = "jaccard"
    asked: str = ""
    chance: str = "the stated values are permuted, as they could be if they did not matter"
    noise: str = "what the number is on average when the value stated does not matter"


LAYOUTS = {
    "sensitivity": Layout(
        first=("snsr",),
        by_value="mean",
        by_value_title="Similarity to the neutral list, value by value",
        by_value_note="Further right: the list is more like the one that a user who states nothing "
        "gets. The shaded band runs from the lowest to the highest value: its width is the "
        "attribute’s SNSR. The dotted line is the neutral prompt asked again.",
        floor="repeat",
        asked="For every topic the recommender was asked once with a neutral prompt and once with "
        "each value of each attribute stated, all else equal. Each list x is compared with the "
        "topic’s neutral list y. A prompt without a list is missing: it is counted above and "
        "never scored as 0.",
    ),
    "counterfactual": Layout(
        first=("flip_excess", "stated_excess"),
        by_value="stated_similarity",
        by_value_title="Similarity to the neutral list, value by value",
        by_value_note="Further right: the list is more like the one for the same user with nothing "
        "stated. The dotted line is the neutral prompt asked again: what lies to its left has "
        "changed by more than noise.",
        floor="repeat",
        asked="Every user was asked for with nothing stated, with their own value of each "
        "attribute and with each other value, all else equal. What a statement changes is held "
        "against what changes anyway: the same prompt asked again, and, where there are any, "
        "irrelevant statements (placebos). A prompt without a list is missing: it is counted "
        "and never scored as 0.",
    ),
    "implicit_cue": Layout(
        first=("as_if", "effect_share"),
        asked="Every user was asked for with each value of an attribute stated, with the same "
        "statement again, and with cues that only hint at it. A cue works if its list is more "
        "like the list for the statement it hints at than like those for the others.",
    ),
    "group_utility": Layout(
        first=("difference",),
        by_value="mean",
        by_value_title="Utility, group by group",
        by_value_note="Further right: the group is served better. The shaded band runs from the "
        "group served worst to the one served best.",
        asked="Every user was asked for once. Utility is measured against items that the user "
        "went on to like and that the recommender was not shown.",
    ),
    "leakage": Layout(
        first=("advantage", "auc"),
        asked="Every user was asked for without stating the attribute. Classifiers then tried "
        "to tell the attribute from what was returned, each user judged by classifiers that "
        "had not seen them.",
    ),
    "stereotype": Layout(
        first=("jsd",),
        outstanding="log_odds",
        asked="Each value of each attribute was stated with all else equal. What is compared is "
        "which groups of items are recommended, not which items.",
    ),
    "scoring": Layout(
        first=("statistical_parity_gap", "equal_opportunity_gap", "predictive_parity_gap"),
        by_value="score_difference",
        by_value_title="Change of score, value by value",
        by_value_note="Further right: stating the value raises the scores of the same candidates.",
        asked="Every user’s candidates were scored with nothing stated and with each value of "
        "each attribute stated, all else equal.",
    ),
    "exposure": Layout(
        first=(
            "share_less_catalogue",
            "share_less_equal",
            "share_less_interactions",
            "share_less_relevance",
            "share_less_given",
        ),
        overview=(
            "gini",
            "coverage",
            "bottom_half_share",
            "parity_ratio",
            "parity_difference",
            "user_group_jsd",
        ),
        asked="Every user, or topic, was asked for with nothing stated. The attention that places "
        "in lists get is added up by item and by group, and held against what groups deserve. "
        "Items that were never recommended count too.",
        chance="groups have the shares that they deserve and users alone differ, or when items, "
        "or users, are dealt out to groups at random",
        noise="of items and of lists, what recommending at random would give; of a group’s share, "
        "by how much it moves when the same is asked again; of differences between groups, what "
        "they are on average when items, or users, are dealt out to them at random",
    ),
    "popularity": Layout(
        first=("lift", "less_history", "rate_ratio"),
        overview=("normalised", "popular_first", "lift_range"),
        asked="Every user, or topic, was asked for with nothing stated. How popular recommended "
        "items are is held against the same user’s history, against what the user went on to like "
        "and against items chosen at random.",
        chance="users are dealt out to groups anew, or counts differ from what popularity and "
        "quality explain by chance alone",
        noise="of lists, what choosing items at random would give; of groups of users, what it is "
        "on average when users are dealt out to them at random",
    ),
    "position_bias": Layout(
        first=("range", "slope", "order_excess", "order_share"),
        by_metric=True,
        compared_by="rbo",
        asked="Every user’s candidates were ranked several times: with the right item, one that "
        "the user went on to like, moved to chosen places of the prompt and all else equal, and "
        "in random orders, one of which was asked again. A recommender that reads what it is "
        "shown answers alike. A prompt without a list is missing, and no wrong answer.",
        chance="places are permuted within each user, or orders are dealt out anew, as they could "
        "be if they did not matter",
        noise="what the number is on average when the order shown does not matter",
    ),
    "grounding": Layout(
        first=("share", "difference", "range"),
        by_metric=True,
        asked="Every user, or topic, was asked for with nothing stated, and every title of the "
        "answers was looked up in the catalogue. A prompt without a list is missing: it names no "
        "title, right or wrong.",
        chance="users are dealt out to groups anew, or the shares of ranks or item groups are "
        "exchanged, as they could be if they did not matter",
        noise="what the number is on average when groups, or ranks, are all alike",
    ),
    "provider": Layout(
        first=("share_less_catalogue",),
        overview=("gini", "total_variation", "coverage", "share_meeting", "kept", "source_bias"),
        asked="Every user, or topic, was asked for with nothing stated. The exposure of items is "
        "added up by provider. Items that were never recommended count too.",
        chance="items are dealt out at random to providers of the same sizes",
        noise="of concentration, what it is on average when items are dealt out at random to "
        "providers of the same sizes; of a provider’s share, by how much it moves when the same "
        "is asked again",
    ),
}


def layout(result: AuditResult) -> Layout:
    """Return how the results of an audit are shown; one that is not known shows its findings."""
    return LAYOUTS.get(result.audit, Layout())


def unit_of(findings: Iterable[Finding]) -> str:
    """Return what findings rest on, in the plural, as their estimates say it."""
    return next((f"{f.estimate.unit}s" for f in findings if f.estimate.unit), "units")


def first_findings(result: AuditResult) -> list[Finding]:
    """Return the findings of the layout's first statistics, in the order of these.

    Where a statistic is given for an attribute as a whole and for each of its values, only the
    former count.
    """
    return _of_statistics(result, layout(result).first)


def overview_findings(result: AuditResult) -> list[Finding]:
    """Return the findings of the layout's overview, in its order."""
    return _of_statistics(result, layout(result).overview)


def _of_statistics(result: AuditResult, statistics: Iterable[str]) -> list[Finding]:
    found = []
    for statistic in statistics:
        some = [f for f in result.findings if f.statistic == statistic]
        whole = [f for f in some if f.value is None]
        found += whole or some
    return found


def outstanding_findings(result: AuditResult, most: int = 8) -> list[Finding]:
    """Return the findings of the layout's outstanding statistic that are told from noise.

    The largest come first, whatever their sign.
    """
    found = [
        f
        for f in result.findings
        if f.statistic == layout(result).outstanding
        and f.p_adjusted is not None
        and f.p_adjusted < DISTINCT
    ]
    return sorted(found, key=lambda f: -abs(f.estimate.value or 0))[:most]
