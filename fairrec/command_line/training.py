"""`fairrec train` and `fairrec cfp`: recommenders to protect, and prompts that protect them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fairrec.errors import ModelUnavailable

train_app = typer.Typer(help="Train recommenders.", no_args_is_help=True)
cfp_app = typer.Typer(help="Counterfactually fair prompts.", no_args_is_help=True)


@train_app.callback()
def _train() -> None:
    """Train recommenders (needs the `local` extra)."""


@cfp_app.callback()
def _cfp() -> None:
    """Counterfactually fair prompts (needs the `local` extra)."""


@train_app.command()
def p5(
    data: Annotated[Path, typer.Option(help="Folder of a data set.")],
    out: Annotated[Path, typer.Option(help="Folder to write the recommender to.")],
    model: Annotated[
        str, typer.Option(help="encoder-decoder, decoder-only, or a pretrained model's name.")
    ] = "encoder-decoder",
    indexing: Annotated[
        Literal["collaborative", "sequential", "random"], typer.Option(help="Codes of items.")
    ] = "collaborative",
    states: Annotated[
        str, typer.Option(help="Attributes that prompts state, with commas between.")
    ] = "",
    held_out: Annotated[int, typer.Option(min=1, help="Last items of each user kept back.")] = 5,
    steps: Annotated[int, typer.Option(help="Gradient steps.")] = 5000,
    seed: Annotated[int, typer.Option(help="Of codes, weights and order.")] = 0,
) -> None:
    """Train an item-ID generator (P5) on a data set of real users."""
    _need_torch()
    from fairrec.datasets import leave_last_out, read_dataset
    from fairrec.recommenders.p5 import P5Settings, save_generator, train_p5

    dataset = read_dataset(data)
    users = leave_last_out(dataset, held_out, minimum_history=2, seed=seed)
    settings = P5Settings(
        model=model,
        indexing=indexing,
        ordered=dataset.timestamps is not None,
        states=tuple(name for name in states.split(",") if name),
        steps=steps,
        seed=seed,
    )

    def tell(step: int, loss: float) -> None:
        if step % 100 == 99 or step == steps - 1:
            typer.echo(f"step {step + 1} of {steps}: loss {loss:.3f}", err=True)

    made = train_p5(users, dataset.catalog, settings, tell)
    # Whoever measures it must hold out the same items.
    made.trained["held_out"] = held_out
    save_generator(made, out)
    typer.echo(f"Written: {out}")


@cfp_app.command()
def train(
    config: Annotated[Path, typer.Argument(help="Settings in YAML; see docs/fair_prompts.md.")],
) -> None:
    """Train a prompt that hides attributes, measure it on other users, and write its card.

    The same command again goes on where a killed one stopped.
    """
    _need_torch()
    import json

    from fairrec.command_line.fair_prompts import (
        build_protected,
        read_fair_prompt_configuration,
    )
    from fairrec.files import write_atomically
    from fairrec.mitigations.cfp import CounterfactuallyFairPrompt
    from fairrec.mitigations.cfp.card import measure
    from fairrec.mitigations.cfp.people import halves
    from fairrec.mitigations.cfp.training import Training

    found = read_fair_prompt_configuration(config)
    prompt = CounterfactuallyFairPrompt(found.attributes, **found.settings)
    seed = prompt.settings.seed
    made = build_protected(found, lambda line: typer.echo(line, err=True))
    learners, others = halves(made.users, found.measured, seed)

    def tell(training: Training) -> None:
        look = training.looks[-1]
        gaps = ", ".join(f"{name} {gap:.3f}" for name, gap in look.aucs.items())
        typer.echo(
            f"step {look.step}: loss {look.loss:.3f} "
            f"(without a prompt {training.looks[0].loss:.3f}), |AUC - 0.5|: {gaps}",
            err=True,
        )

    prompt.fit(made.recommender, learners, draw=made.draw, checkpoint=found.out, tell=tell)
    prompt.save(found.out)
    card = measure(
        prompt, made.recommender, others, ask=made.ask, together=made.together, seed=seed
    )
    write_atomically(found.out / "card.json", json.dumps(card.to_dict(), indent=2) + "\n")
    write_atomically(found.out / "card.md", card.to_markdown())
    typer.echo(card.to_markdown())
    typer.echo(f"Written: {found.out}")


def _need_torch() -> None:
    from importlib import util

    if missing := [name for name in ("torch", "transformers") if not util.find_spec(name)]:
        raise ModelUnavailable(
            f"not installed: {', '.join(missing)}.",
            expected="the packages that models need.",
            do="pip install 'fairrec[local]'",
        )
