"""`hangtag models`: the versions, their accuracy, which serves; two compared; one tried, or as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.following import follow
from cli.local import local_settings
from cli.outcome import RefusedError
from cli.server import connect
from cli.terminal import ago, err, moment, out, print_facts, print_json, print_table
from hangtag_client import ApiError, Client, Comparison, Job, LiveComparison, ModelVersion, PairedFigures

app = typer.Typer(add_completion=False, invoke_without_command=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Number = Annotated[int, typer.Argument(help="The number of the version.")]


@app.callback()
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List model versions; show, compare, try or export them."""
    if context.invoked_subcommand is not None:
        return
    with connect() as client:
        found = client.models()
    if as_json:
        print_json([version.as_json() for version in found])
        return
    print_table(
        ("version", "aliases", "test accuracy", "validation", "image size", "created"),
        (
            (
                *(version.number, ", ".join(version.aliases) or None),
                *(_accuracy(version, "test"), _accuracy(version, "validation", interval=False)),
                *(version.image_size, ago(version.created_at)),
            )
            for version in found
        ),
        cut=["aliases"],
        empty="There are no versions yet. Make one: hangtag train",
    )


@app.command()
def show(number: Number, as_json: AsJson = False) -> None:
    """Show a version: where it comes from, how good it is, by category."""
    with connect() as client:
        version = client.model(number)
    if as_json:
        print_json(version.as_json())
    else:
        _print(version)


@app.command()
def export(
    number: Number, directory: Annotated[Path, typer.Argument(help="The folder to write it to.")]
) -> None:
    """Write a version's head, its facts and its model card into a folder."""
    # The other commands need no database.
    from cli.local_database import require_database  # noqa: PLC0415
    from shared.models.starter import export_starter  # noqa: PLC0415

    settings = local_settings()
    require_database(settings)
    export_starter(settings, number, directory)
    err.print(f"Version {number} is in {directory}.", markup=False)


@app.command()
def compare(
    a: Annotated[int, typer.Argument(help="The version to compare with.")],
    b: Annotated[int, typer.Argument(help="The version that is compared.")],
    live: Annotated[
        bool, typer.Option("--live", help="On sellers' photos, where one of them answers in shadow.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare two versions photo by photo; both answer the same test photos first if they have not yet."""
    with connect() as client:
        if live:
            _show_live(client.compare_live(a, b), as_json=as_json)
            return
        found = _comparison(client, a, b)
        if found is None:
            _outcome(follow(client, client.compare_on_photos(a, b), drawn=False))
            found = client.compare(a, b)
    if as_json:
        print_json(found.as_json())
    else:
        _print_comparison(found)


@app.command()
def shadow(
    number: Number,
    stop: Annotated[bool, typer.Option("--stop", help="It shall answer no more.")] = False,
) -> None:
    """Let a version answer new photos silently beside the champion. Sellers notice nothing of it."""
    name = f"shadow-{number}"
    with connect() as client:
        if stop:
            client.take_name_away(name, "Stopped on the command line.")
            err.print(f"Version {number} answers no more in shadow.")
            return
        client.name_version(name, number, "Started on the command line.")
        champion = next(version.number for version in client.models() if "champion" in version.aliases)
    if champion == number:
        err.print(f"Version {number} is the champion. It answers silently once another one is.")
        return
    err.print(f"Version {number} answers new photos silently from now on.")
    err.print(f"What it says: hangtag models compare {champion} {number} --live")


@app.command()
def imagenet(as_json: AsJson = False) -> None:
    """Bring the untouched ImageNet network in, to try it on photos. It never answers sellers."""
    with connect() as client:
        result = _outcome(follow(client, client.bring_imagenet(), drawn=False))
    if as_json:
        print_json(result)
        return
    err.print(
        f"It is version {result['model_version']}. Try it: hangtag models try {result['model_version']} PHOTO"
    )


@app.command("try")
def try_(
    number: Number,
    photo: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A photo.")],
    as_json: AsJson = False,
) -> None:
    """Try a version on a photo, beside the champion. Sellers see nothing of it."""
    with connect() as client:
        answers = _outcome(follow(client, client.try_model(number, photo), drawn=False))["answers"]
    if as_json:
        print_json(answers)
        return
    print_table(
        ("version", "answer", "confidence", "then"),
        (
            (
                *(one["model_version"], one["category"], f"{one['confidence']:.3f}"),
                ", ".join(f"{other['category']} {other['probability']:.3f}" for other in one["top"][1:]),
            )
            for one in answers
        ),
        cut=["then"],
    )


def _comparison(client: Client, a: int, b: int) -> Comparison | None:
    """What is known; None when the two were not evaluated on the same photos yet."""
    try:
        return client.compare(a, b)
    except ApiError as error:
        if error.code == "not_found":
            return None
        raise


def _print_comparison(found: Comparison) -> None:
    print_table(
        (
            "category",
            "photos",
            f"version {found.a}",
            f"version {found.b}",
            "fixed",
            "broken",
            "both wrong",
            "p",
        ),
        (
            (
                *(name, one.count, f"{one.accuracy_a:.3f}", f"{one.accuracy_b:.3f}"),
                *(one.fixed, one.broken, one.both_wrong, f"{one.p_value:.3g}"),
            )
            for name, one in {"all": found.overall, **found.per_class}.items()
        ),
        cut=["category"],
    )


def _show_live(found: LiveComparison, *, as_json: bool) -> None:
    if as_json:
        print_json(found.as_json())
        return
    print_facts(
        (
            ("photos", f"{found.count} that both answered, since {moment(found.since)}"),
            ("same answer", f"{found.same / found.count:.3f}" if found.count else "none yet"),
            ("drawn at random", _paired(found, found.sampled)),
            ("all with a label", _paired(found, found.labelled)),
        )
    )
    if found.differences:
        out.print()
        rows = [(one.answer_a, one.answer_b, one.count) for one in found.differences]
        print_table((f"version {found.a} said", f"version {found.b} said", "photos"), rows)


def _paired(found: LiveComparison, figures: PairedFigures | None) -> str:
    if figures is None:
        return "nobody has labelled any yet"
    return (
        f"version {found.b} right on {figures.accuracy_b:.3f}, version {found.a} on {figures.accuracy_a:.3f} "
        f"of {figures.count}: {figures.fixed} fixed, {figures.broken} broken, p {figures.p_value:.3g}"
    )


def _outcome(job: Job) -> dict[str, Any]:
    """The result of a job.

    Raises:
        RefusedError: it did not succeed.
    """
    if job.state != "succeeded":
        raise RefusedError(job.error.message if job.error else f"The job was {job.state}.")
    return job.outcome()


def _print(version: ModelVersion) -> None:
    print_facts(
        (
            ("version", version.number),
            ("aliases", ", ".join(version.aliases) or "none, so it answers nobody"),
            ("created", moment(version.created_at)),
            ("image size", f"{version.image_size} px"),
            ("dataset version", version.lineage.get("dataset_version")),
            ("learned from", _learned_from(version)),
            ("test accuracy", _accuracy(version, "test")),
            ("validation accuracy", _accuracy(version, "validation")),
        )
    )
    rows = list(_by_category(version.metrics.get("test") or {}))
    if rows:
        out.print()
        print_table(("category", "precision", "recall", "test photos"), rows, cut=["category"])
    if "champion" not in version.aliases:
        err.print(f'Let it answer sellers: hangtag promote {version.number} --reason "..."', markup=False)


def _learned_from(version: ModelVersion) -> str | None:
    """What nobody needs to be told about a version that learned in full precision."""
    digest = version.lineage.get("int8_network_digest")
    return f"features in 8 bits (int8 network {digest[:16]}); measured in full precision" if digest else None


def _by_category(figures: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    for found in figures.get("per_class") or []:
        shares = (None if found[name] is None else f"{found[name]:.3f}" for name in ("precision", "recall"))
        yield found["category"], *shares, found["support"]


def _accuracy(version: ModelVersion, split: str, *, interval: bool = True) -> str | None:
    figures = version.metrics.get(split)
    if not figures:
        return None
    around = figures.get("interval") if interval else None
    spread = f" ({around[0]:.3f} to {around[1]:.3f})" if around else ""
    return f"{figures['accuracy']:.3f}{spread}"
