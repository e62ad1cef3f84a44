"""What the metrics and statistics of the popularity audit are called and mean."""

from __future__ import annotations

from fairrec.reports.term import Term

_STECK = "Steck, RecSys 2018"
_IFAIRLRS = "Jiang et al., WWW 2024 (IFairLRS)"
_SPREC = "Gao et al., WWW 2025 (SPRec)"
_ABDOLLAHPOURI = "Abdollahpouri, Burke and Mobasher, FLAIRS 2019"
_GAP = "Abdollahpouri et al., 2019"
_UPD = "Abdollahpouri et al., UMAP 2021"
_ZHU_2020 = "Zhu, Wang and Caverlee, SIGIR 2020"
_ZHU_2021 = "Zhu et al., WSDM 2021"
_VARGAS = "Vargas and Castells, RecSys 2011"
_DISPARITY = "Tsintzou, Pitoura and Tsaparas, 2018"
_LICHTENBERG = "Lichtenberg, Buchholz and Schwöbel, 2024"
_COUNTS = "Cameron and Trivedi, 2013"

POPULARITY_METRICS = {
    "popularity": Term("popularity", "How often an item was consumed before."),
    "arp": Term(
        "ARP",
        "Mean popularity of what is recommended: how often its items were consumed. Neither high "
        "nor low is fair in itself; users’ own histories say what they seek.",
        "mean over lists of the mean popularity of their items",
        "Yin et al., VLDB 2012",
    ),
    "log_popularity": Term(
        "log popularity",
        "Mean natural logarithm of popularity, which a few very popular items do not decide. Items "
        "that were never consumed have none.",
        "mean of ln popularity over a list’s items",
        _LICHTENBERG,
    ),
    "popularity_rank": Term(
        "popularity rank",
        "Mean place of recommended items among all items by popularity: 1 is the most popular.",
    ),
    "self_information": Term(
        "novelty",
        "How surprising recommended items are, in bits: 1 more for items consumed half as often.",
        "mean of −log2(interactions of the item / all interactions)",
        "Zhou et al., PNAS 2010",
    ),
    "aplt": Term(
        "APLT", "Share of the long tail in lists.", "tail items in a list / its items",
        _ABDOLLAHPOURI,
    ),
    "aclt": Term(
        "ACLT", "How many items of the long tail a list holds.", "tail items in a list",
        _ABDOLLAHPOURI,
    ),
    "part": Term(
        "part of the catalogue",
        "Head, middle or tail of the catalogue by popularity; how it is split stands in the "
        "provenance.",
    ),
    "pop_rsp": Term(
        "PopRSP",
        "How unequal the chances of head and tail are to be recommended: 0 when all parts have "
        "the same.",
        "standard deviation / mean over parts of recommended / could have been",
        _ZHU_2020,
    ),
    "pop_reo": Term(
        "PopREO",
        "How unequally liked items of head and tail are found: 0 when all parts have the same "
        "chance.",
        "standard deviation / mean over parts of found / liked",
        _ZHU_2020,
    ),
    "div_ratio": Term(
        "DivRatio",
        "Different items among all recommendations: 1 when none is given twice. It falls with "
        "the number of lists.",
        "different items / recommendations",
        _SPREC,
    ),
    "or_ratio": Term(
        "ORRatio", "What the three most frequent items make up of all recommendations.",
        "recommendations of the top 3 items / all", _SPREC,
    ),
    "upd": Term(
        "UPD",
        "How far lists’ shares of head and tail lie from those of the user’s history, in bits: 0 "
        "when they are the same.",
        "mean over users of the Jensen–Shannon divergence of the two",
        _UPD,
    ),
    "calibration_kl": Term(
        "miscalibration (KL)",
        "How far groups’ shares in lists lie from those in the user’s history: 0 when they are the "
        "same.",
        "Σ p ln(p / (0.99 q + 0.01 p)), p of the history, q of the list",
        _STECK,
    ),
    "calibration_jsd": Term(
        "miscalibration (JSD)",
        "The same as a Jensen–Shannon divergence, in bits, from 0 to 1.",
        source=_STECK,
    ),
    "mgu": Term(
        "MGU",
        "Mean size of group unfairness: of groups’ shares in lists less those in histories, here "
        "averaged over users. 0 is fair.",
        "mean over groups of |mean over users of (share in list − share in history)|",
        _IFAIRLRS,
    ),
    "dgu": Term(
        "DGU",
        "Largest less smallest group unfairness. 0 is fair.",
        "max − min over groups of the same",
        _IFAIRLRS,
    ),
    "preference_bias": Term(
        "preference",
        "How much of a group users have, against what the catalogue offers: 1 for as much.",
        "share of the group / its share of the catalogue",
        _DISPARITY,
    ),
    "pru": Term(
        "PRU",
        "Whether the more popular of the items that a user likes stand higher: 1 if always, 0 if "
        "popularity does not matter.",
        "−Spearman’s correlation of popularity and place over a user’s liked items in the list",
        _ZHU_2021,
    ),
    "pri": Term(
        "PRI",
        "Whether more popular items stand higher for the users who like them: 1 if always.",
        "−Spearman’s correlation of popularity and mean place over items",
        _ZHU_2021,
    ),
    "epc": Term(
        "EPC",
        "How far from the most popular item the liked items of a list are, near its top.",
        "Σ w (1 − popularity / highest popularity) over liked items / Σ w, w = 1 / log2(r + 1)",
        _VARGAS,
    ),
    "efd": Term(
        "EFD",
        "Novelty, in bits, of the liked items of a list, near its top.",
        "Σ w novelty over liked items / Σ w, w = 1 / log2(r + 1)",
        _VARGAS,
    ),
    "popularity_effect": Term(
        "effect of popularity",
        "How many times as often an item is recommended that is e times (2.7 times) as popular.",
        "exp(β) of ln(1 + popularity) in a regression of counts",
        _COUNTS,
    ),
    "quality_effect": Term(
        "effect of quality",
        "How many times as often an item is recommended whose quality is a standard deviation "
        "higher, popularity being equal.",
        "exp(β) of quality in a regression of counts",
        _COUNTS,
    ),
    "group_effect": Term(
        "effect of the group",
        "How many times as often items of the group are recommended as equally popular ones of the "
        "largest group: 1 when the group does not matter beyond popularity.",
        "exp(β) of the group in a regression of counts",
        _COUNTS,
    ),
}  # fmt: skip

POPULARITY_STATISTICS = {
    "popularity:mean": Term("mean", "Mean over users, or topics."),
    "popularity:share": Term("share", "Mean share in lists."),
    "value": Term("value", "Of all lists together."),
    "normalised": Term("share of interactions", "As a share of all interactions."),
    "popular_first": Term(
        "popular first",
        "Whether the popular stands first within a list: 1 if always, 0 if it does not matter, −1 "
        "if it stands last.",
        "−Spearman’s correlation of popularity and rank",
        "Hou et al., ECIR 2024 (LLMRank)",
    ),
    "popularity:changed_when_asked_again": Term(
        "change when asked again", "By how much the number moves when the same is asked again."
    ),
    "gap_of_histories": Term("mean in histories (GAP)", "Mean over users’ histories.", "", _GAP),
    "gap_of_lists": Term("mean in lists (GAP)", "Mean over users’ lists.", "", _GAP),
    "lift": Term(
        "lift (ΔGAP)",
        "By what part lists are more popular than the users’ own histories: 0 when as popular.",
        "(mean in lists − mean in histories) / mean in histories",
        _GAP,
    ),
    "lift_range": Term(
        "range of lifts",
        "Largest less smallest lift among groups of users.",
        "max − min over groups of users",
        _GAP,
    ),
    "less_history": Term(
        "less history (LPD)",
        "Lists less the same user’s history: above 0, lists are more popular; by e times at 1.",
        source=_LICHTENBERG,
    ),
    "less_relevant": Term(
        "less what was liked",
        "Lists less what the same user went on to like: above 0, lists are more popular.",
    ),
    "variance_less_history": Term(
        "variance of LPD", "How differently users’ lists depart from their histories."
    ),
    "variance_less_relevant": Term(
        "variance, less liked", "How differently users’ lists depart from what they liked."
    ),
    "share_less_history": Term(
        "share less history", "Share in lists less the share in the same user’s history."
    ),
    "in_histories": Term("in histories", "Of what users consumed (B_S)."),
    "in_lists": Term("in lists", "Of what users are recommended (B_R)."),
    "disparity": Term(
        "bias disparity",
        "By what part lists sharpen the preference of histories: 0 when they keep it.",
        "(in lists − in histories) / in histories",
        _DISPARITY,
    ),
    "rate_ratio": Term(
        "rate ratio",
        "How many times as often, all else in the regression being equal: 1 for no effect.",
        source=_COUNTS,
    ),
}
