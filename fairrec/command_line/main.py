"""The `fairrec` command: its sub-commands and how errors end it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import fairrec
from fairrec.command_line.data import data_app
from fairrec.command_line.names import AuditName
from fairrec.command_line.training import cfp_app, train_app
from fairrec.errors import FairrecError, WrongUse

app = typer.Typer(
    help="Audit any LLM recommender for fairness, with uncertainty.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(data_app, name="data")
app.add_typer(train_app, name="train")
app.add_typer(cfp_app, name="cfp")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fairrec {fairrec.__version__}")
        raise typer.Exit


@app.callback()
def fairrec_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Exit codes: 0 pass, 1 fail, 2 undecided, 3 the run broke, 4 wrong use."""


@app.command()
def audit(
    audit: Annotated[
        AuditName | None, typer.Option(help="Which audit; sensitivity if unset.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Settings; fairrec.yaml in this folder is read if there is one."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="default, demo, hf:ORG/NAME, ./folder, a .gguf file or openai:NAME@URL."),
    ] = None,
    recommender: Annotated[
        str | None,
        typer.Option(help="How it recommends: likelihood, open, listwise, ...; see fairrec kinds."),
    ] = None,
    users: Annotated[
        Path | None, typer.Option(help="Folder of a data set, for audits about users.")
    ] = None,
    topics: Annotated[int | None, typer.Option(help="Number of topics.")] = None,
    attributes: Annotated[
        str | None, typer.Option(help="Comma-separated, such as gender,age; 'all' for all.")
    ] = None,
    k: Annotated[int | None, typer.Option(help="Items a list.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of pools and resampling.")] = None,
    gate: Annotated[
        list[str] | None, typer.Option(help="What must hold; replaces the settings' gates.")
    ] = None,
    mitigate: Annotated[
        list[str] | None,
        typer.Option(help="Wrap the recommender: NAME or NAME:key=value,...; the innermost first."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run's folder.")] = None,
    out: Annotated[Path, typer.Option(help="Folder that holds the runs.")] = Path("fairrec-runs"),
    resume: Annotated[
        Path | None, typer.Option(help="Folder of a run to go on with, as it was set up.")
    ] = None,
) -> None:
    """Ask a recommender, judge its answers, write the report and say whether it passes.

    The same command again goes on where it stopped and asks nothing twice.
    """
    from fairrec.command_line.audit import run
    from fairrec.command_line.mitigating import parse_mitigation

    chosen = {
        "audit": audit,
        "model": model,
        "recommender": None if recommender is None else {"kind": recommender},
        "users": None if users is None else {"path": str(users)},
        "topics": None if topics is None else {"n": topics},
        "attributes": None if attributes is None else attributes.split(","),
        "k": k,
        "seed": seed,
        "gates": gate or None,
        "mitigate": [parse_mitigation(text) for text in mitigate or ()] or None,
        "name": name,
    }
    chosen = {key: value for key, value in chosen.items() if value is not None}
    raise typer.Exit(run(chosen, config=config, out=out, resume=resume))


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    after: Annotated[Path, typer.Argument(help="Folder of one that asked the same.")],
    out: Annotated[
        Path | None, typer.Option(help="Markdown file to write; a JSON file goes beside it.")
    ] = None,
) -> None:
    """Say what changed between two runs in fairness, utility and cost, with paired intervals."""
    from fairrec.command_line.comparing import compare as compare_runs

    raise typer.Exit(compare_runs(before, after, out))


@app.command()
def sweep(
    mitigate: Annotated[
        list[str], typer.Option(help="NAME or NAME:key=value,...; the last one is swept.")
    ],
    strength: Annotated[str, typer.Option(help="Values of its strength.")] = "0,0.25,0.5,0.75,1",
    finding: Annotated[
        str | None, typer.Option(help="Id of the finding to plot; the first one if unset.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Settings; fairrec.yaml in this folder is read if there is one."),
    ] = None,
    audit: Annotated[AuditName | None, typer.Option(help="Which audit.")] = None,
    model: Annotated[str | None, typer.Option(help="As for `fairrec audit`.")] = None,
    users: Annotated[Path | None, typer.Option(help="Folder of a data set.")] = None,
    k: Annotated[int | None, typer.Option(help="Items a list.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run's folder.")] = None,
    out: Annotated[Path, typer.Option(help="Folder that holds the runs.")] = Path("fairrec-runs"),
) -> None:
    """Try a mitigation at several strengths: what fairness costs, as a table and a plot."""
    from fairrec.command_line.mitigating import parse_mitigation
    from fairrec.command_line.sweeping import sweep as sweep_strengths

    try:
        strengths = [float(value) for value in strength.split(",")]
    except ValueError as error:
        raise WrongUse(
            f"--strength is {strength!r}.", expected="numbers with commas between them."
        ) from error
    chosen = {
        "audit": audit,
        "model": model,
        "users": None if users is None else {"path": str(users)},
        "k": k,
        "mitigate": [parse_mitigation(text) for text in mitigate],
        "name": name,
    }
    chosen = {key: value for key, value in chosen.items() if value is not None}
    code = sweep_strengths(chosen, strengths=strengths, finding=finding, config=config, out=out)
    raise typer.Exit(code)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A recording: .jsonl, .csv or .parquet.")],
    audit: Annotated[AuditName, typer.Option(help="How to judge it.")] = "counterfactual",
    catalog: Annotated[
        Path | None, typer.Option(help="Items whose titles were recommended, with their columns.")
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="Column of the catalogue that groups items.")
    ] = None,
    popularity: Annotated[
        str | None, typer.Option(help="Numeric column of the catalogue (popularity).")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Score from which on an item is selected (scoring).")
    ] = None,
    k: Annotated[int | None, typer.Option(help="Ranks that count.")] = None,
    margin: Annotated[
        float | None, typer.Option(help="Difference that counts as none (counterfactual).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the resampling.")] = None,
    draws: Annotated[int | None, typer.Option(help="Bootstrap and permutation draws.")] = None,
    gate: Annotated[list[str] | None, typer.Option(help="What must hold.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run's folder.")] = None,
    out: Annotated[Path, typer.Option(help="Folder that holds the runs.")] = Path("fairrec-runs"),
) -> None:
    """Judge recorded answers: no model is asked."""
    from fairrec.command_line import replay as replaying

    settings = {
        "column": column,
        "popularity": popularity,
        "threshold": threshold,
        "k": k,
        "margin": margin,
        "seed": seed,
        "draws": draws,
    }
    code = replaying.replay(
        file,
        audit=audit,
        catalog=catalog,
        gates=gate or [],
        name=name,
        out=out,
        settings={key: value for key, value in settings.items() if value is not None},
    )
    raise typer.Exit(code)


@app.command()
def exposure(
    log: Annotated[
        Path, typer.Argument(help="Impressions: a .parquet, .csv or .feather file, or a folder.")
    ],
    catalog: Annotated[
        Path | None, typer.Option(help="All items, with their columns; .parquet, .csv, .feather.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column of the catalogue that groups items.")
    ] = None,
    popularity: Annotated[
        str | None, typer.Option(help="Column of the catalogue that counts interactions.")
    ] = None,
    merit: Annotated[
        list[str] | None,
        typer.Option(help="What groups deserve: catalogue, equal, interactions or relevance."),
    ] = None,
    browsing: Annotated[
        list[str] | None, typer.Option(help="How lists are read: log2, rbp:0.85, uniform@10, ...")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Names of columns, such as user=uid,item=iid.")
    ] = None,
    k: Annotated[int | None, typer.Option(help="Ranks that count; 20 if unset.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the resampling.")] = None,
    draws: Annotated[int | None, typer.Option(help="Bootstrap draws.")] = None,
    gate: Annotated[list[str] | None, typer.Option(help="What must hold.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run's folder.")] = None,
    out: Annotated[Path, typer.Option(help="Folder that holds the runs.")] = Path("fairrec-runs"),
) -> None:
    """Judge a log of impressions (user, item, rank): exposure and popularity of its items."""
    from fairrec.command_line.exposure import judge_exposure

    settings = {
        "group": group,
        "popularity": popularity,
        "merit": merit,
        "browsing": browsing,
        "k": k,
        "seed": seed,
        "draws": draws,
    }
    code = judge_exposure(
        log,
        catalog=catalog,
        columns=columns,
        gates=gate or [],
        name=name,
        out=out,
        settings={key: value for key, value in settings.items() if value is not None},
    )
    raise typer.Exit(code)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    target: Annotated[Path, typer.Argument(help="File to write: .jsonl, .csv or .parquet.")],
) -> None:
    """Write a run's answers in the documented form, to be judged again elsewhere."""
    from fairrec.command_line.replay import export as write

    write(run, target)
    typer.echo(f"Wrote {target}. Judge it with: fairrec replay {target}")


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("fairrec.yaml"),
) -> None:
    """Write a commented fairrec.yaml to start from."""
    from fairrec.command_line.init import write_starting_file

    write_starting_file(path)
    typer.echo(f"Wrote {path}. Edit it, then run: fairrec audit")


@app.command()
def kinds(
    markdown: Annotated[bool, typer.Option(help="As Markdown, for documents.")] = False,
) -> None:
    """List every kind of recommender, what it gives, and which audits fit it."""
    from fairrec.command_line.kinds import show

    show(markdown)


@app.command()
def doctor() -> None:
    """Say what is installed, which models are cached, and what is missing."""
    from fairrec.command_line.doctor import examine

    raise typer.Exit(examine())


def run() -> None:
    """Run the command; a fairrec error ends it in one message and its exit code."""
    try:
        code = app(standalone_mode=False)
    except FairrecError as error:
        typer.echo(f"fairrec: {error}", err=True)
        code = error.exit_code
    except KeyboardInterrupt:
        typer.echo("fairrec: interrupted; the same command goes on where it stopped.", err=True)
        code = 130
    except typer.Abort:
        code = 130
    except Exception as error:
        code = _usage_error(error)
    sys.exit(code or 0)


def _usage_error(error: Exception) -> int:
    """Show a wrong argument as the argument parser would, with fairrec's code for wrong use."""
    if hasattr(error, "show") and hasattr(error, "exit_code"):
        error.show()  # type: ignore[attr-defined]
        return 4
    raise error
