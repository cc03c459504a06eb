"""`hangtag bench`: how fast this machine answers photos, by the champion's engines alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from cli.local import local_settings
from cli.terminal import err, print_json, print_table

app = typer.Typer(add_completion=False)


@app.command()
def bench(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Measure how fast this machine answers. Photos of sellers are not touched, nothing is stored."""
    measured = list(_measured())
    if as_json:
        print_json(measured)
        return
    print_table(
        ("engine", "device", "photos a second", "one photo alone", "serves"),
        (
            (
                *(row["engine"], row["device"], row["photos_per_second"], f"{row['alone_ms']} ms"),
                "yes" if row["serves"] else "-",
            )
            for row in measured
        ),
    )
    err.print("Taking a photo in and writing its answer come on top; docs/performance.md says how much.")


def _measured() -> Iterator[dict[str, Any]]:
    """One row per engine that could serve the champion, the one that does last.

    Raises:
        SettingsError: Hangtag was never started here.
        NoChampionError: no version answers sellers.
    """
    # Importing engines takes seconds, which no other command shall wait for.
    from cli.local_database import local_database  # noqa: PLC0415
    from shared.blobs import BlobStore  # noqa: PLC0415
    from shared.models import engine_gates, registry  # noqa: PLC0415
    from worker.engines.choose import load_engine  # noqa: PLC0415
    from worker.engines.precision import choose_precision, may_use_int8, openvino_release  # noqa: PLC0415
    from worker.engines.speed import measure_alone, measure_speed  # noqa: PLC0415

    settings = local_settings()
    with local_database(settings) as database, database.read() as session:
        champion = registry.require_champion(session)
        gate = engine_gates.of(session, champion.number)
    space = registry.space_of(champion)
    digest = choose_precision(gate, openvino_release()).network_digest if may_use_int8(settings) else None
    engines = [load_engine(settings, space)]
    if digest is not None:
        from worker.engines.openvino_engine import load_int8_engine  # noqa: PLC0415

        engines.append(load_int8_engine(settings, BlobStore(settings.blob_url), space, digest))
    for engine in engines:
        figures = {**measure_speed(engine), "alone_ms": measure_alone(engine), "image_size": space.image_size}
        yield {**figures, "version": champion.number, "serves": engine is engines[-1]}
