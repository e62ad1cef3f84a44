"""`fairrec data`: well-known data sets, from their origins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairrec.errors import WrongUse

data_app = typer.Typer(help="Obtain data sets of real users.", no_args_is_help=True)


@data_app.command()
def get(
    name: Annotated[str, typer.Argument(help="Such as ml-1m; `fairrec data list` lists them.")],
    folder: Annotated[
        Path | None, typer.Option("--to", help="Where to put it; fairrec's cache if not given.")
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept the terms without being asked.")
    ] = False,
) -> None:
    """Download a data set from its origin, after its terms were shown and accepted."""
    from fairrec.datasets.downloading import find_origin, is_present, obtain

    origin = find_origin(name)
    target = _cached(name) if folder is None else folder
    if not is_present(target):
        typer.echo(f"{name} (about {origin.megabytes} MB) comes from {origin.url}")
        typer.echo(f"Terms, in short: {origin.terms}")
        typer.echo(f"Terms, in full: {origin.home}")
        typer.echo(f"Cite: {origin.citation}")
        if not accept_licence:
            _ask(name)
    obtain(origin, target, typer.echo)


@data_app.command("list")
def list_known() -> None:
    """List the data sets, their terms, and which of them are here."""
    from fairrec.datasets.downloading import is_present
    from fairrec.datasets.origins import ORIGINS

    for origin in ORIGINS.values():
        target = _cached(origin.name)
        typer.echo(f"{origin.name} (about {origin.megabytes} MB)")
        typer.echo(f"  users:  {', '.join(origin.attributes) or 'nothing is known of them'}")
        typer.echo(f"  terms:  {origin.terms}")
        typer.echo(f"  origin: {origin.home}")
        typer.echo(f"  here:   {target if is_present(target) else 'no'}")


def _cached(name: str) -> Path:
    from fairrec.language_models.default_model import cache_folder

    return cache_folder() / "data" / name


def _ask(name: str) -> None:
    try:
        accepted = typer.confirm("Do you accept these terms?")
    except typer.Abort:
        accepted = False
    if not accepted:
        raise WrongUse(
            f"the terms of {name} were not accepted; nothing was downloaded.",
            expected="yes, or --accept-licence.",
            do=f"fairrec data get {name} --accept-licence",
        )
