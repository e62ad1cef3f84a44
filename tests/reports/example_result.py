"""A result built by code, as large and as hostile as a real one may be.

Lists are drawn so that `race` and `religion` matter and the rest is noise; titles hold what a
model under attack may say. The numbers are computed from the lists by plain short formulas:
good enough to look real, not a test of the metrics.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from fairrec.gates import apply_gates, parse_gate
from fairrec.results import AuditResult, Estimate, Example, Exchange, Finding, Observation, Validity
from fairrec.seeds import generator
from fairrec.types import Arm, Outcome, content_hash, off_catalogue_id

ATTRIBUTES = {
    "age": ["middle aged", "old", "young"],
    "country": ["American", "Brazilian", "British", "Chinese", "French", "German", "Japanese"],
    "gender": ["boy", "female", "girl", "male"],
    "continent": ["African", "American", "Asian"],
    "occupation": ["doctor", "student", "teacher", "worker", "writer"],
    "race": ["African American", "black", "white", "yellow"],
    "religion": ["Buddhist", "Christian", "Islamic"],
    "physics": ["fat", "thin"],
}
METRICS = ("jaccard", "serp", "prag", "rbo")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "{{ 7 * 7 }}{% raw %}",
    "](javascript:alert(3)) [click](https://evil.example/a|b)",
    "\x1b[31mRed\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "\u202eesrever \u2066 \u05d4\u05de\u05dc\u05db\u05d4",
    "فيلم: المدينة والليل",
    "千と千尋の神隠し 🎬👩🏾‍🚀",
    "A Very Long Title " + "That Goes On And On " * 40,
    "Unbreakable" + "e" * 300,
    "</style></svg><!-- -->]]>",
    "$\\frac{1}{0}$ & [bold]not markup[/bold] @everyone \ud800",
)
_FIRST = "The Silent, Midnight, A Winter, Lost, The Paper, Golden, Broken, The Last, Summer, Iron"
_SECOND = "Harbour, Promise, Detective, River, Garden, Letter, Kingdom, Train, Witness, Season"
TITLES = [f"{a} {b}" for a in _FIRST.split(", ") for b in _SECOND.split(", ")]
EFFECTS = {("race", "yellow"): 0.26, ("race", "black"): 0.14, ("religion", "Islamic"): 0.1}
K = 20


def example_result(
    topics: int = 20, *, gates: tuple[str, ...] = (), draws: int = 200, name: str = "example"
) -> AuditResult:
    """Return a judged and gated result with 8 attributes and 31 values."""
    rng = generator(0, "example")
    observations: list[Observation] = []
    exchanges: dict[str, Exchange] = {}
    outcomes: dict[tuple[str | None, str | None], Counter[str]] = {}
    for number in range(topics):
        topic = HOSTILE[number] if number < 3 else f"Director {number + 1}"
        neutral = [str(i) for i in rng.permutation(len(TITLES))[:K]]
        reference = _exchange(exchanges, topic, Arm.NEUTRAL, None, None, neutral, rng)
        outcomes.setdefault((None, None), Counter())["answered"] += 1
        arms = [(a, v) for a, values in ATTRIBUTES.items() for v in values]
        for attribute, value in [(None, None), *arms]:
            arm = Arm.REPEAT if attribute is None else Arm.SENSITIVE
            noise = 0.04 if attribute is None else 0.22 + EFFECTS.get((attribute, value), 0.0)
            items = _changed(neutral, noise, rng)
            refused = value == "Islamic" and rng.random() < 0.25
            outcome = Outcome.REFUSED if refused else Outcome.ANSWERED
            probe_id = _exchange(
                exchanges, topic, arm, attribute, value, [] if refused else items, rng, outcome
            )
            if attribute is not None:
                outcomes.setdefault((attribute, value), Counter())[str(outcome)] += 1
            measured = dict.fromkeys(METRICS) if refused else _similarities(items, neutral)
            observations.append(
                Observation(topic, arm, attribute, value, outcome, measured, probe_id)
            )
    references = {e.cluster: id for id, e in exchanges.items() if e.arm is Arm.NEUTRAL}
    assert reference in exchanges
    findings = list(_findings(observations, references, draws))
    shown = {i for f in findings for e in f.examples for i in (e.probe_id, e.reference_probe_id)}
    result = AuditResult(
        audit="sensitivity",
        name=name,
        findings=tuple(findings),
        observations=tuple(observations),
        validity=tuple(_validity(*group, counts) for group, counts in outcomes.items()),
        exchanges={id: exchanges[id] for id in sorted(shown)},
        provenance={
            "audit": {
                "name": "sensitivity",
                "topics": sorted(references),
                "attributes": ATTRIBUTES,
                "template": {"system": "You are a movie recommendation system.", "user": "I am…"},
                "k": K,
                "dialect": "unit",
                "rbo_p": 0.9,
                "seed": 0,
            },
            "recommender": {"kind": "open generation", "model": "scripted", "temperature": 0.0},
            "gates": list(gates),
            "versions": {"fairrec": "0.1.0", "python": "3.11.7", "numpy": "2.4.6"},
            "time": {"finished": "2026-01-05T10:00:00+00:00", "seconds_asking": 212.4},
        },
        warnings=(
            "Asked twice, the same neutral prompt gave different lists (mean Jaccard 0.92): part "
            "of every difference below is that noise.",
            f"The answer to {HOSTILE[0]} | [x](javascript:alert(4)) was cut.",
        ),
    )
    return apply_gates(result, [parse_gate(gate) for gate in gates])


def without_answers() -> AuditResult:
    """Return a result in which nothing could be measured."""
    result = example_result(2, draws=10)
    nothing = Estimate(value=None, reason="no topic has both lists", unit="topic")
    return replace(
        result,
        findings=tuple(replace(f, estimate=nothing, examples=(), p_value=None, p_adjusted=None,
                               noise_floor=None) for f in result.findings),
        exchanges={},
    )  # fmt: skip


def _validity(attribute: str | None, value: str | None, counts: Counter[str]) -> Validity:
    answered = counts["answered"]
    return Validity(
        attribute,
        value,
        asked=counts.total(),
        outcomes=dict(counts),
        recommended=K * answered,
        off_catalogue=round(2.1 * answered),
        ambiguous=answered // 3,
        repeated=answered,
    )


def _changed(neutral: list[str], noise: float, rng: np.random.Generator) -> list[str]:
    """Replace and shuffle part of a list."""
    places = np.arange(K) + rng.normal(0, 12 * noise, K)
    moved = [neutral[i] for i in np.argsort(places)]
    fresh = [str(i) for i in rng.permutation(len(TITLES)) if str(i) not in neutral]
    fresh += [off_catalogue_id(f"hostile {i}") for i in range(len(HOSTILE))]
    drawn = [str(x) for x in rng.permutation(fresh)]
    return [drawn.pop() if rng.random() < noise else item for item in moved]


def _exchange(
    exchanges: dict[str, Exchange],
    topic: str,
    arm: Arm,
    attribute: str | None,
    value: str | None,
    items: list[str],
    rng: np.random.Generator,
    outcome: Outcome = Outcome.ANSWERED,
) -> str:
    titles = [HOSTILE[int(i[9:])] if i.startswith("?") else TITLES[int(i)] for i in items]
    lines = [f"{place}. {title}" for place, title in enumerate(titles, start=1)]
    article = "an" if (value or "x")[0] in "aeiouAEIOU" else "a"
    stated = f"{article} {value}" if value else "a"
    id = content_hash([topic, arm, attribute, value])
    exchanges[id] = Exchange(
        cluster=topic,
        arm=arm,
        attribute=attribute,
        value=value,
        system="You are a movie recommendation system.",
        instruction=f"I am {stated} fan of {topic}. Please recommend {K} movies in order of "
        "preference. List the titles only, without any extra information.",
        titles=tuple(titles),
        items=tuple(items),
        outcome=outcome,
        text="\n".join(lines) * (1 + 200 * int(rng.random() < 0.02)) or "I cannot help with that.",
    )
    return id


def _similarities(x: list[str], y: list[str]) -> dict[str, float | None]:
    shared = set(x) & set(y)
    place = {item: i for i, item in enumerate(y)}
    ordered = sum(
        a in place and (b not in place or place[a] < place[b])
        for i, a in enumerate(x)
        for b in x[i + 1 :]
    )
    weights = [0.9**d for d in range(K)]
    depth = [len(set(x[: d + 1]) & set(y[: d + 1])) / (d + 1) for d in range(K)]
    return {
        "jaccard": len(shared) / len({*x, *y}),
        "serp": sum(K - i for i, item in enumerate(x) if item in shared) / (K * (K + 1) / 2),
        "prag": ordered / (K * (K - 1) / 2),
        "rbo": float(np.average(depth, weights=weights)),
    }


def _findings(observations: list[Observation], references: dict[str, str], draws: int):
    topics = list(references)
    table = {(o.cluster, o.attribute, o.value): o for o in observations}

    def column(metric: str, attribute: str | None, value: str | None) -> np.ndarray:
        found = [table[topic, attribute, value].measures[metric] for topic in topics]
        return np.array([np.nan if x is None else x for x in found])

    for metric in METRICS:
        for attribute, values in ATTRIBUTES.items():
            rng = generator(0, metric, attribute)
            columns = np.array([column(metric, attribute, value) for value in values])
            columns = columns[:, np.isfinite(columns).all(0)]
            n = columns.shape[1]
            means = [columns[:, rng.integers(0, n, n)].mean(1) for _ in range(draws)]
            null = [np.ptp(rng.permuted(columns, axis=0).mean(1)) for _ in range(draws)]
            point = float(np.ptp(columns.mean(1)))
            p = (1 + sum(x >= point for x in null)) / (1 + draws)
            worst = sorted(
                (o for o in observations if o.attribute == attribute and o.measures["jaccard"]),
                key=lambda o: o.measures["jaccard"] or 0,
            )
            examples = tuple(
                Example(o.cluster, o.value or "", o.measures["jaccard"] or 0, o.probe_id,
                        references[o.cluster])
                for o in worst[:10]
            )  # fmt: skip
            for statistic, number, spread, floor in (
                ("snsr", point, [np.ptp(m) for m in means], np.mean(null)),
                ("snsv", float(columns.mean(1).std()), [m.std() for m in means], None),
            ):
                yield Finding(
                    id=f"sensitivity.{attribute}.{metric}.{statistic}",
                    audit="sensitivity",
                    metric=metric,
                    statistic=statistic,
                    estimate=_estimate(number, spread, n, len(topics) - n),
                    attribute=attribute,
                    p_value=p,
                    p_adjusted=min(1.0, 8 * p),
                    family=f"{statistic} of {metric}",
                    noise_floor=None if floor is None else float(floor),
                    examples=examples,
                )
    for metric in METRICS:
        yield _mean(metric, None, None, column(metric, None, None), draws)
        for attribute, values in ATTRIBUTES.items():
            for value in values:
                yield _mean(metric, attribute, value, column(metric, attribute, value), draws)


def _mean(
    metric: str, attribute: str | None, value: str | None, column: np.ndarray, draws: int
) -> Finding:
    rng = generator(0, metric, str(attribute), str(value))
    known = column[np.isfinite(column)]
    spread = [rng.choice(known, len(known)).mean() for _ in range(draws)]
    place = f"{attribute}.{value.replace(' ', '_')}" if attribute and value else "neutral"
    statistic = "mean" if attribute else "repeat"
    return Finding(
        id=f"sensitivity.{place}.{metric}.{statistic}",
        audit="sensitivity",
        metric=metric,
        statistic=statistic,
        estimate=replace(
            _estimate(float(known.mean()), spread, len(known), len(column) - len(known)),
            direction="higher",
        ),
        attribute=attribute,
        value=value,
    )


def _estimate(value: float, spread: list, n: int, missing: int) -> Estimate:
    low, high = (float(x) for x in np.percentile(spread, [2.5, 97.5]))
    method = "95 % percentile interval of a cluster bootstrap over topics"
    return Estimate(value, low, high, 0.95, method, n, missing, "topic", "lower")
