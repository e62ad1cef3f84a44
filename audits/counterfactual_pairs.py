"""Which lists of a counterfactual audit are compared with which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fairrec.audits.contrasts import Contrast, Pair, in_order, wording
from fairrec.audits.excess import Floored
from fairrec.audits.pairs import worst_of
from fairrec.types import Arm, Probe


class CounterfactualPairs:
    """Probes sorted into pairs to compare, from what is there: a log may lack any of it.

    Attributes:
        attributes: Sensitive attributes that are stated, in the order of their first mention.
        contrasts: Pairs by kind: "repeat" and "placebo" (against neutral), "placebo_flip" (against
            another placebo) and, for every attribute, "repeat NAME" (own value asked again),
            "stated NAME" (against neutral) and "flip NAME" (against the own value).
        columns: The columns of each contrast.
        unpaired: Probes whose reference the log lacks.
    """

    def __init__(self, probes: Sequence[Probe]) -> None:
        stated = [p for p in probes if p.arm in (Arm.SENSITIVE, Arm.COUNTERFACTUAL)]
        self.attributes = in_order(p.attribute for p in stated if p.attribute)
        self.contrasts: dict[str, list[Pair]] = {"repeat": [], "placebo": [], "placebo_flip": []}
        for name in self.attributes:
            self.contrasts |= {f"{kind} {name}": [] for kind in ("repeat", "stated", "flip")}
        self.unpaired: list[Probe] = []
        cells: dict[tuple[str, str], list[Probe]] = {}
        for probe in probes:
            cells.setdefault((probe.cluster, wording(probe)), []).append(probe)
        for cell in cells.values():
            self._pair(cell)
        self.columns = {
            name: sorted({pair.column for pair in pairs}) or [""]
            for name, pairs in self.contrasts.items()
        }

    def _pair(self, cell: Sequence[Probe]) -> None:
        neutral = next((p for p in cell if p.arm is Arm.NEUTRAL), None)
        factual = {p.attribute: p for p in cell if p.arm is Arm.SENSITIVE}
        placebos: dict[str | None, Probe] = {}
        for probe in cell:
            name, value = probe.attribute, probe.value or ""
            own = factual.get(name)
            if probe.arm is Arm.REPEAT:
                # Another value asked again has no floor of its own: effects are held against
                # lists for the user's own value, or for none.
                again = own is not None and own.value == probe.value
                reference = neutral if name is None else own if again else None
                key = "repeat" if name is None else f"repeat {name}"
                self._add(key, str(probe.request.replicate), probe, reference)
            elif probe.arm is Arm.PLACEBO:
                self._add("placebo", f"{name}: {value}", probe, neutral)
                first = placebos.setdefault(name, probe)
                if first is not probe:
                    self._add("placebo_flip", f"{name}: {value}", probe, first)
            elif probe.arm in (Arm.SENSITIVE, Arm.COUNTERFACTUAL):
                self._add(f"stated {name}", value, probe, neutral)
                if own is not None and probe is not own:
                    self._add(f"flip {name}", value, probe, own)

    def _add(self, key: str, column: str, probe: Probe, reference: Probe | None) -> None:
        if reference is None:
            self.unpaired.append(probe)
        elif key in self.contrasts:
            self.contrasts[key].append(Pair(column, probe, reference))


def floored_effects(
    attributes: Sequence[str], contrasts: Mapping[str, Contrast]
) -> Iterable[Floored]:
    """Yield every effect with every floor that there is for it.

    A user's own statement asked again is the floor of a flip; a log without it is held against
    the neutral prompt asked again.
    """
    repeat, placebo, swapped = (contrasts[name] for name in ("repeat", "placebo", "placebo_flip"))
    for name in attributes:
        stated, flip = contrasts[f"stated {name}"], contrasts[f"flip {name}"]
        own_repeat = contrasts[f"repeat {name}"]
        for kind, effect, floor, over in (
            ("stated", stated, repeat, ""),
            ("flip", flip, own_repeat if own_repeat.pairs else repeat, ""),
            ("stated", stated, placebo, "placebo"),
            ("flip", flip, swapped, "placebo"),
        ):
            if effect.pairs and floor.pairs:
                yield Floored(name, kind, effect, floor, over, worst_of(effect))
