"""A log judged in batches is the log judged whole; settings that cannot be met are said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from impression_logs import literal_lists, random_log
from scipy.sparse import csr_matrix

from fairrec.audits import impression_log
from fairrec.audits.impression_log import judge_log
from fairrec.errors import BadData, WrongUse
from fairrec.gates import parse_gate
from fairrec.metrics.browsing import parse_browsing
from fairrec.metrics.exposure import group_exposure, item_exposure, place_exposure
from fairrec.metrics.inequality import gini
from fairrec.metrics.item_groups import group_items
from fairrec.metrics.item_lists import ItemLists
from fairrec.metrics.popularity import average_popularity
from fairrec.results import AuditResult, Verdict
from fairrec.serialization import from_json, to_json

N = 9


def catalog(n: int = N) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": range(n),
            "provider": [("x", "y", "z", None)[i % 4] for i in range(n)],
            "year": range(1990, 1990 + n),
            "interactions": [i * i + 1 for i in range(n)],
        }
    )


def judged(log: pd.DataFrame, **settings: object) -> AuditResult:
    chosen = {"group": "provider", "popularity": "interactions", "k": 5, "draws": 200, **settings}
    return judge_log(log, catalog(), **chosen)  # type: ignore[arg-type]


def numbers(result: AuditResult) -> dict[str, list[float | None]]:
    return {
        f.id: [f.estimate.value, f.estimate.low, f.estimate.high, f.p_value]
        for f in result.findings
    }


def same(one: dict[str, list[float | None]], other: dict[str, list[float | None]]) -> None:
    assert one.keys() == other.keys()
    for id, values in one.items():
        for a, b in zip(values, other[id], strict=True):
            assert (a is None) == (b is None), id
            assert a is None or b is None or a == pytest.approx(b, rel=1e-6, abs=1e-9), id


def test_numbers_do_not_depend_on_batches_or_threads() -> None:
    log = random_log(300, N, 0)
    whole = judged(log)
    assert len(whole.findings) > 3
    for rows in (1, 64, 501):
        one, two = (judged(log, rows=rows, threads=threads) for threads in (1, 2))
        assert one.findings == two.findings
        assert one.warnings == two.warnings == whole.warnings
        same(numbers(one), numbers(whole))


@pytest.mark.parametrize("browsing", ["log2", "rbp:0.7@3", "cascade:0.8:0.5"])
def test_values_are_those_of_the_metrics_on_the_whole_log(browsing: str) -> None:
    log, k = random_log(150, N, 5), 5
    lists = ItemLists(np.array(literal_lists(log, N, k)), N)
    log = (
        log[log["item"] < N].sort_values("relevance").drop_duplicates(["user", "item"], keep="last")
    )
    rows = {user: row for row, user in enumerate(random_log(150, N, 5)["user"].unique())}
    relevant = csr_matrix(
        (log["relevance"], (log["user"].map(rows), log["item"])), shape=(len(lists), N)
    )
    exposure = place_exposure(lists, parse_browsing(browsing), relevant)
    by_item = item_exposure(lists, exposure)
    groups = group_items(catalog()["provider"].tolist())
    by_group = group_exposure(lists, groups, exposure).sum(axis=0)
    share = by_group / by_group.sum()
    deserved = groups.totals(np.asarray(relevant.sum(axis=0)).ravel())
    found = numbers(
        judged(
            random_log(150, N, 5), browsing=[browsing], merit=["catalogue", "relevance"], rows=40
        )
    )
    expected = {
        "exposure.items.exposure.gini": gini(by_item),
        "exposure.items.exposure.coverage": (by_item > 0).mean(),
    }
    for g, name in enumerate(groups.names):
        expected[f"exposure.provider.{name}.exposure.share"] = share[g]
        for merit, target in (("catalogue", groups.sizes), ("relevance", deserved)):
            less = share[g] - target[g] / target.sum()
            expected[f"exposure.provider.{name}.exposure.share_less_{merit}"] = less
    popularity = catalog()["interactions"].to_numpy(float)
    expected["popularity.items.arp.mean"] = np.nanmean(average_popularity(lists, popularity))
    for id, value in expected.items():
        assert found[id][0] == pytest.approx(float(value), rel=1e-9), id


def test_numbers_do_not_depend_on_the_order_of_a_users_rows() -> None:
    log = random_log(200, N, 1, messy=False)
    shuffled = log.groupby("user", sort=False, group_keys=False).sample(frac=1, random_state=0)
    assert judged(shuffled).findings == judged(log).findings


def test_counts_and_settings_are_in_the_result() -> None:
    log = random_log(100, N, 2)
    result = judged(log, name="mine", browsing=["rbp:0.8@4", "uniform"], merit=["equal"])
    assert result.name == "mine" and result.audit == "exposure"
    kept = result.provenance
    assert kept["audit"]["browsing"] == ["rbp:0.8@4", "uniform"]
    assert kept["log"]["rows"] == len(log) and kept["log"]["lists"] == 100
    assert kept["log"]["off_catalogue"] > 0 and kept["catalog"]["items"] == N
    (funnel,) = result.validity
    assert (funnel.asked, funnel.outcomes) == (100, {"answered": 100})
    assert (funnel.off_catalogue, funnel.repeated) == (
        kept["log"]["off_catalogue"],
        kept["log"]["repeats"],
    )
    assert any("not in the catalogue" in text for text in result.warnings)
    assert from_json(AuditResult, to_json(result)) == result


def test_a_clean_log_has_no_warnings_about_it() -> None:
    log = random_log(100, N, 2, messy=False)
    log = log.groupby("user", sort=False).filter(lambda rows: len(rows) >= 2)
    counted = judged(log, k=2).provenance["log"]
    assert {counted[name] for name in ("off_catalogue", "repeats", "gaps", "short")} == {0}


def test_without_a_catalogue_the_log_stands_in_for_it() -> None:
    result = judge_log(random_log(100, N, 3, messy=False), k=5, draws=100)
    assert result.provenance["catalog"]["items"] == N
    assert any("never recommended do not count" in text for text in result.warnings)


def test_gates_decide() -> None:
    log = random_log(300, N, 0)
    id = next(f.id for f in judged(log).findings if f.estimate.low is not None)
    assert judged(log, gates=[parse_gate(f"{id} >= 10000")]).verdict is Verdict.FAIL
    with pytest.raises(WrongUse, match="names no finding"):
        judged(log, gates=[parse_gate("exposure.nothing <= 1")])


def test_groups_by_a_number_are_bands_and_many_groups_are_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = random_log(100, N, 4)
    assert any("cut into bands" in text for text in judged(log, group="year").warnings)
    monkeypatch.setattr(impression_log, "MOST_GROUPS", 2)
    result = judged(log)
    assert any("'provider' makes 3 groups: the 2 largest" in text for text in result.warnings)
    assert any("other_groups" in f.id for f in result.findings)


def test_ten_thousand_groups() -> None:
    n = 20_000
    rng = np.random.default_rng(0)
    items = pd.DataFrame({"id": range(n), "provider": [f"p{i // 2}" for i in range(n)]})
    log = pd.DataFrame(
        {
            "user": np.repeat(np.arange(500), 10),
            "item": np.concatenate([rng.permutation(n)[:10] for _ in range(500)]),
            "rank": np.tile(np.arange(1, 11), 500),
        }
    )
    result = judge_log(log, items, group="provider", k=10, draws=100)
    assert any("makes 10,000 groups" in text for text in result.warnings)
    assert len(result.findings) < 2_000


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"group": "label"}, "no column 'label'"),
        ({"popularity": "votes"}, "no column 'votes'"),
        ({"merit": ["fame"]}, "merit is 'fame'"),
        ({"merit": ["interactions"], "popularity": None}, "merit by interactions"),
        ({"merit": ["relevance"]}, "merit 'relevance' needs to know what is relevant"),
        ({"browsing": ["err"]}, "err needs to know what is relevant"),
        ({"browsing": ["fast"]}, "browsing model 'fast' cannot be read"),
        ({"browsing": []}, "with 0 browsing models"),
        ({"k": 0}, "k is 0"),
        ({"level": 1.0}, "level"),
    ],
)
def test_what_cannot_be_met_is_said(settings: dict[str, object], words: str) -> None:
    with pytest.raises(WrongUse, match=words):
        judged(random_log(20, N, 0).drop(columns="relevance"), **settings)


def test_popularity_has_to_be_numbers() -> None:
    with pytest.raises(BadData, match="'provider' of the catalogue holds"):
        judged(random_log(20, N, 0), popularity="provider")


def test_an_error_on_the_reading_thread_is_raised() -> None:
    log = random_log(50, N, 0).astype({"rank": float})
    log.loc[120, "rank"] = 0
    with pytest.raises(BadData, match="row 121 is 0"):
        judged(log, rows=10)
