"""What the metrics and statistics of audits of the items' side are called and mean."""

from __future__ import annotations

from fairrec.reports.term import Term

_LLMRANK = "Hou et al., ECIR 2024 (LLMRank)"
_PATRO = "Patro et al., WWW 2020 (FairRec)"
_DAI = "Dai et al., KDD 2024"
_DIAZ = "Diaz et al., CIKM 2020"
_GEYIK = "Geyik, Ambler and Kenthapadi, KDD 2019"
_FA_IR = "Zehlike et al., CIKM 2017 (FA*IR)"
_RATIO = "Singh and Joachims, KDD 2018; Raj and Ekstrand, SIGIR 2022"

ITEM_METRICS = {
    # position bias
    "hit_at_1": Term(
        "first place right",
        "Share of users for whom the right item, one that they went on to like, was ranked first.",
        source=_LLMRANK,
    ),
    "kendall": Term(
        "Kendall’s tau",
        "How far two orders agree, pair by pair: 1 for the same order, 0 on average for unrelated "
        "ones, −1 for the reverse.",
        "(pairs in the same order − pairs in opposite order) / pairs, corrected for ties (tau-b)",
        "Kendall, Biometrika 1945",
    ),
    "spearman": Term(
        "Spearman’s rho",
        "Correlation of the ranks in two orders: 1 for the same order, 0 on average for unrelated "
        "ones.",
        source="Spearman, American Journal of Psychology 1904",
    ),
    "displacement": Term(
        "displacement",
        "How many places items move from where they were shown, against what an unrelated order "
        "would do: 0 when the answer repeats the order shown, 1 when it ignores it.",
        "mean of |rank in the answer − place shown| / its mean over random orders",
        "Diaconis and Graham, JRSS B 1977 (footrule)",
    ),
    "rank_variance": Term(
        "variance of ranks",
        "How much the rank of the same candidate varies when the candidates are shown in other "
        "orders.",
    ),
    "left_out": Term("left out", "Share of the candidates asked for that an answer does not name."),
    # grounding
    "hallucinated": Term(
        "hallucinated", "Titles that match no item of the catalogue: most often inventions."
    ),
    "ambiguous": Term("ambiguous", "Titles that match several items equally well."),
    "fuzzy": Term(
        "matched by similar letters", "Titles that match one item, but are not written alike."
    ),
    "duplicated": Term("repeated", "Titles that the same list named before."),
    "out_of_candidates": Term(
        "outside the candidates",
        "Items of the catalogue that were none of the candidates to choose from.",
    ),
    "consumed": Term(
        "already consumed", "Items of the user’s history, which the prompt had shown."
    ),
    "grounded": Term(
        "grounded",
        "Titles that match one item, for the first time in the list, among the candidates where "
        "there are any: what can be used as it is.",
    ),
    # exposure and providers
    "exposure": Term(
        "exposure",
        "How much attention places in lists give: a place counts as much as people are likely to "
        "look at it, the top most.",
        "Σ over lists of the chance that a reader reaches the item’s rank",
        "Moffat and Zobel, TOIS 2008; Singh and Joachims, KDD 2018",
    ),
    "expected_exposure": Term(
        "expected exposure",
        "Exposure averaged over all lists of a request, against that of an ideal recommender, "
        "which puts what is relevant first, in random order.",
        source=_DIAZ,
    ),
    "awrf": Term(
        "AWRF",
        "How far each list’s shares of attention are from the groups’ shares of the catalogue: 0 "
        "is fairest. Short lists cannot have them exactly.",
        "Jensen–Shannon divergence, in bits",
        "Sapiezynski et al., WWW 2019; TREC fair ranking 2021",
    ),
    "ndkl": Term(
        "NDKL",
        "How far the groups’ shares are from those of the catalogue at every depth of a list, the "
        "top weighing most: 0 is fairest.",
        "Σ KL(shares of the first i ‖ target) / log2(i + 1), divided by Σ 1 / log2(i + 1)",
        _GEYIK,
    ),
    "infeasible_index": Term(
        "infeasible index",
        "In how many depths of a list some group lacks the places that its share would give it, "
        "rounded down: 0 is fairest.",
        source=_GEYIK,
    ),
    "favoured_pairs": Term(
        "favoured pairs",
        "Of pairs of an item of a group and one of another, in what share the former stands "
        "above: 0.5 is parity.",
        source="Cachel, Rundensteiner and Harrison, ICDE 2022; Kuhlman et al., WWW 2019",
    ),
    "fa_ir": Term(
        "FA*IR",
        "A test of every list: has a small group as many places at each depth as chance would "
        "give it, up to bad luck?",
        "the binomial’s lower tail at α = 0.1, corrected for testing at every depth",
        _FA_IR,
    ),
    "minimum_exposure": Term(
        "minimum exposure",
        "A number of places promised to everybody alike: a part α of an equal share.",
        "⌊α m k / n⌋ places, of m lists of k places, for each of n",
        _PATRO,
    ),
    "utility": Term(
        "utility",
        "What a list is worth to its user, as the recommender’s own scores say, against the best "
        "list there could be.",
        "Σ scores of the list / Σ of as many of the highest scores",
        _PATRO,
    ),
    "average_precision": Term(
        "average precision",
        "How early a list names the items that the user went on to like: 1 when they fill the top.",
        "Σ precision at the ranks of hits / as many as there could be; its mean is MAP",
    ),
}

ITEM_METRICS |= {
    f"exposure_{kind}": Term(f"exposure, {words}", f"Exposure when attention is modelled {how}.")
    for kind, words, how in (
        ("uniform", "all places alike", "as equal for all places"),
        ("rbp", "rank-biased", "as falling by a constant factor from place to place"),
        ("geometric", "geometric", "by a constant chance to stop at every place"),
        ("log2", "logarithmic", "as 1 / log2(rank + 1)"),
        ("log2_clip", "logarithmic from rank 2", "as 1 / log2 of the rank, the first two alike"),
        ("cascade", "cascade", "as ending at what is relevant"),
        ("err", "expected reciprocal rank", "as ending at what is relevant"),
    )
}

ITEM_STATISTICS = {
    # exposure
    "exposure:gini": Term(
        "Gini",
        "Inequality of exposure among all items of the catalogue, those never recommended too: 0 "
        "when all have the same, near 1 when one has it all.",
        "mean |difference| over pairs / twice the mean",
        "Gini, 1912",
    ),
    "gini_sample": Term(
        "Gini, n − 1 form",
        "The same times n / (n − 1), so that it can reach 1.",
        source="Gini, 1912",
    ),
    "exposure:coverage": Term(
        "coverage", "Share of the catalogue that was recommended to anybody: higher is fairer."
    ),
    "bottom_half_share": Term(
        "share of the lesser half",
        "Exposure of the half of the items that get least, of all: 0.5 when all are alike.",
    ),
    "off_catalogue_share": Term(
        "off the catalogue", "Share of the attention that goes to what is no item."
    ),
    "exposure:changed_when_asked_again": Term(
        "change when asked again",
        "What part of a user’s attention goes to other items when the same is asked again.",
        "half the sum of |difference of shares| over items",
    ),
    "share_less_equal": Term(
        "share less equal share", "Share of exposure less what it would be if all had the same."
    ),
    "share_less_relevance": Term(
        "share less relevant share",
        "Share of exposure less share of the items that users went on to like.",
    ),
    "share_less_given": Term(
        "share less target", "Share of exposure less the share that was set as the target."
    ),
    "impact_log_ratio": Term(
        "disparate impact, log ratio",
        "How unequally attention that was met with relevance is shared out, for the relevance "
        "there is: 0 is parity.",
        "ln(highest / lowest) over groups of exposure of relevant items / relevant items",
        "Singh and Joachims, KDD 2018",
    ),
    "exposure:mean": Term("mean", "Mean over users."),
    "disparity": Term(
        "EE-D, disparity",
        "How much attention is heaped on few: lower is fairer at equal relevance.",
        "|ε|², ε being the mean exposure of items, or groups, over the lists of a request",
        _DIAZ,
    ),
    "relevance": Term(
        "EE-R, relevance",
        "How far attention goes where it should: higher is better.",
        "ε · ε*, ε* being the exposure an ideal recommender gives",
        _DIAZ,
    ),
    "exposure:difference": Term(
        "EE-L, loss",
        "How far attention is from where it should go: items as relevant as each other deserve "
        "equal exposure. 0 at the target.",
        "|ε − ε*|²",
        _DIAZ,
    ),
    "failing": Term(
        "lists that fail",
        "Share of lists that show a group so seldom at their top as chance alone would do in few.",
        source=_FA_IR,
    ),
    "user_group_jsd": Term(
        "distance between user groups",
        "How differently groups of users see groups of items, in bits: 0 when all see the same.",
        "Jensen–Shannon divergence of the user groups’ shares of exposure",
        "Lin, IEEE Transactions on Information Theory 1991",
    ),
    # position bias
    "position_bias:mean": Term(
        "mean", "Mean over users, for a place of the right item or for the order shown."
    ),
    "position_bias:range": Term(
        "range over places",
        "Accuracy at the best place less that at the worst: 0 when it does not matter where in "
        "the prompt the right item stands.",
        source=_LLMRANK,
    ),
    "slope": Term(
        "slope over places",
        "Change of accuracy from the first place of the prompt to the last: below 0 when what "
        "stands first is favoured.",
        "least-squares slope, user by user, over places from 0 (first) to 1 (last)",
    ),
    "across_orders": Term(
        "similarity across orders",
        "Mean similarity of answers to the same candidates in different orders; 1 when the order "
        "does not matter.",
        source=_LLMRANK,
    ),
    "across_repeats": Term(
        "similarity when asked again",
        "Mean similarity of answers to the same candidates in the same order; less than 1 is "
        "noise of the recommender’s own.",
    ),
    "order_excess": Term(
        "order sensitivity",
        "Similarity lost when candidates are shown in another order, beyond what is lost when the "
        "same is asked again: 0 when the order changes nothing.",
    ),
    "order_share": Term(
        "share due to the order",
        "What part of the variance of ranks the order of the candidates decides, of the most that "
        "it could.",
        source="Kendall and Babington Smith, Annals of Mathematical Statistics 1939",
    ),
    "noise_share": Term(
        "share due to noise", "What part of the variance of ranks changes when asked again."
    ),
    "position_bias:share": Term("share", "Mean over users."),
    # grounding
    "grounding:share": Term(
        "share", "Share of the titles named: the mean over users, or of all titles of a group."
    ),
    "grounding:changed_when_asked_again": Term(
        "change when asked again",
        "Mean distance between the shares of two answers to the same prompt: noise of its own.",
    ),
    "grounding:difference": Term(
        "difference between users",
        "Highest share of a group of users less the lowest. Its noise floor is the same with the "
        "group labels shuffled.",
    ),
    "grounding:range": Term(
        "range",
        "Highest share of a band of ranks, or of a group of items, less the lowest: 0 when titles "
        "are as good everywhere.",
    ),
    # providers
    "provider:gini": Term(
        "Gini",
        "Inequality of exposure among providers: 0 when all have the same, near 1 when one has "
        "it all.",
        "mean |difference| over pairs / twice the mean",
        "Gini, 1912",
    ),
    "provider:coverage": Term(
        "coverage", "Share of the providers that are recommended at all: higher is fairer."
    ),
    "hhi": Term(
        "HHI",
        "Concentration of exposure: the chance that two glances at random fall on the same item, "
        "or provider. 1 when one has it all.",
        "Σ share²",
        "Herfindahl, 1950; Hirschman, 1945",
    ),
    "effective_number": Term(
        "effective number",
        "How many items, or providers, with equal exposure would be as concentrated as this: "
        "higher is fairer.",
        "1 / HHI",
        "Laakso and Taagepera, Comparative Political Studies 1979",
    ),
    "normalised_entropy": Term(
        "entropy, normalised",
        "How evenly exposure is spread: 1 when all have the same, 0 when one has it all.",
        "−Σ share · log share / log n",
        "Shannon, 1948",
    ),
    "top_1_share": Term("share of the largest", "Exposure of the largest provider, of all."),
    "top_5_share": Term("share of the five largest", "Their exposure, of all."),
    "total_variation": Term(
        "distance to the catalogue",
        "What part of the exposure would have to go to others for all to have their share of the "
        "catalogue: 0 is fairest.",
        "half the sum of |share of exposure − share of the catalogue|",
    ),
    "repeat_distance": Term(
        "distance when asked again",
        "What part of the exposure goes to others when the same is asked again: noise of its own.",
    ),
    "provider:share": Term("share", "Share of all exposure that a provider gets."),
    "exposure:share": Term("share", "Share of all exposure that a group of items gets."),
    "share_less_catalogue": Term(
        "share less catalogue share",
        "Share of exposure less share of the items: above 0 a group, or provider, gets more than "
        "it offers.",
    ),
    "share_less_interactions": Term(
        "share less past share",
        "Share of exposure less share of past consumption: above 0 more than before.",
    ),
    "share_meeting": Term(
        "share that has the minimum",
        "Share of the providers, or of the items, with at least the promised places: 1 is fairest.",
        source=_PATRO,
    ),
    "kept": Term(
        "utility kept",
        "What part of the best possible utility a user’s list has: 1 when nothing was given up.",
        source=_PATRO,
    ),
    "envy": Term(
        "envy",
        "How much more another’s list would be worth to a user than their own; 0 when nobody "
        "would swap.",
        "mean over pairs of users of what swapping would gain",
        _PATRO,
    ),
    "source_bias": Term(
        "source bias",
        "How items described by humans fare against those described by language models, in "
        "percent: below 0 the latter fare better, 0 is fairest.",
        "200 (M human − M llm) / (M human + M llm)",
        _DAI,
    ),
}
