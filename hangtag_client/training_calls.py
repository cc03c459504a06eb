"""Calls about trainings and what they make: epochs, sweeps, dataset versions, model versions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hangtag_client.calls import until_ended
from hangtag_client.exchange import Flow, Read, Request, address, once, send
from hangtag_client.results import Epoch, Job, ModelVersion, Promotion
from hangtag_client.training_results import Comparison, DatasetVersion, Forecast, LiveComparison, Sweep


def train(
    preset: str = "best", *, dataset_version: int | None = None, wait: float = 0, **parameters: Any
) -> Flow[Job]:
    """Start a training and wait up to `wait` seconds for it. `parameters` differ from the preset.

    The outcome of its job names the new `model_version`.
    """
    deadline = time.monotonic() + wait
    body = {"preset": preset, **_of(dataset_version), **parameters}
    response = yield from send(Request("POST", address("trainings"), json=body, headers=once()))
    return (yield from until_ended(Job.model_validate(response.json()["job"]), deadline))


def forecast(
    preset: str = "best", *, dataset_version: int | None = None, **parameters: Any
) -> Flow[Forecast]:
    """How long a training would take."""
    body = {"preset": preset, **_of(dataset_version), **parameters}
    response = yield from send(Request("POST", address("trainings", "forecast"), json=body))
    return Forecast.model_validate_json(response.content)


def preview(preset: str = "best", *, dataset_version: int | None = None, **parameters: Any) -> Flow[bytes]:
    """A picture of what a training's augmentation does to a photo."""
    body = {"preset": preset, **_of(dataset_version), **parameters}
    response = yield from send(Request("POST", address("trainings", "preview"), json=body))
    return response.content


def compare(a: int, b: int) -> Flow[Comparison]:
    """Two versions, photo by photo.

    Raises:
        ApiError: with code `not_found` when they have not answered the same photos yet.
    """
    query = {"a": str(a), "b": str(b)}
    response = yield from send(Request("GET", address("models", "compare"), query=query))
    return Comparison.model_validate_json(response.content)


def compare_live(a: int, b: int) -> Flow[LiveComparison]:
    """Two versions on the photos that sellers sent, as far as both have answered them."""
    query = {"a": str(a), "b": str(b)}
    response = yield from send(Request("GET", address("models", "compare", "live"), query=query))
    return LiveComparison.model_validate_json(response.content)


def name_version(name: str, number: int, reason: str) -> Flow[ModelVersion]:
    """Give a version another name; by one such as `shadow` it answers new photos silently."""
    body = {"version": number, "reason": reason}
    response = yield from send(Request("PUT", address("aliases", name), json=body))
    return ModelVersion.model_validate_json(response.content)


def take_name_away(name: str, reason: str) -> Flow[None]:
    """Let a name mean no version any more."""
    yield from send(Request("DELETE", address("aliases", name), query={"reason": reason}))


def compare_on_photos(a: int, b: int) -> Flow[Job]:
    """Have two versions answer the same test photos, to be compared then."""
    request = Request("POST", address("models", "compare"), json={"a": a, "b": b}, headers=once())
    return Job.model_validate((yield from send(request)).json()["job"])


def bring_imagenet() -> Flow[Job]:
    """Bring the untouched ImageNet network in as a version that never answers sellers."""
    request = Request("POST", address("models", "imagenet"), json={}, headers=once())
    return Job.model_validate((yield from send(request)).json()["job"])


def try_model(number: int, photo: str | Path) -> Flow[Job]:
    """Try a version on a photo, beside the champion."""
    path = Path(photo)
    data: bytes = yield Read(path)
    files = [("photo", (path.name, data))]
    request = Request("POST", address("models", number, "tries"), files=files, headers=once())
    return Job.model_validate((yield from send(request)).json()["job"])


def epochs(training_id: str) -> Flow[list[Epoch]]:
    """The epochs of a training so far."""
    response = yield from send(Request("GET", address("trainings", training_id, "metrics")))
    return [Epoch.model_validate(row) for row in response.json()["epochs"]]


def sweep(
    preset: str | None = None,
    *,
    plan: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None,
    dataset_version: int | None = None,
    register_all: bool = False,
) -> Flow[Job]:
    """Start a published sweep by its `preset`, or one of your own by a `plan` over a `base`."""
    chosen = {"preset": preset, "plan": plan, "base": base}
    body = {name: value for name, value in chosen.items() if value is not None}
    request = {**body, **_of(dataset_version), "register_all": register_all}
    response = yield from send(Request("POST", address("sweeps"), json=request, headers=once()))
    return Job.model_validate(response.json()["job"])


def trials(sweep_id: str) -> Flow[Sweep]:
    """A sweep and its trials, the best first."""
    response = yield from send(Request("GET", address("sweeps", sweep_id)))
    return Sweep.model_validate_json(response.content)


def datasets() -> Flow[list[DatasetVersion]]:
    """All dataset versions, newest first."""
    response = yield from send(Request("GET", address("datasets")))
    return [DatasetVersion.model_validate(row) for row in response.json()["versions"]]


def dataset(number: int) -> Flow[DatasetVersion]:
    """One dataset version."""
    response = yield from send(Request("GET", address("datasets", "versions", number)))
    return DatasetVersion.model_validate_json(response.content)


def create_dataset_version() -> Flow[DatasetVersion]:
    """Make a dataset version of all examples there are now; the same examples give the same version again."""
    response = yield from send(Request("POST", address("datasets", "versions"), json={}))
    return DatasetVersion.model_validate_json(response.content)


def models() -> Flow[list[ModelVersion]]:
    """All model versions, newest first."""
    response = yield from send(Request("GET", address("models")))
    return [ModelVersion.model_validate(row) for row in response.json()["versions"]]


def model(number: int) -> Flow[ModelVersion]:
    """One model version."""
    response = yield from send(Request("GET", address("models", number)))
    return ModelVersion.model_validate_json(response.content)


def promote(number: int, reason: str, *, override: bool = False) -> Flow[Promotion]:
    """Let a version answer sellers. `override`: even where the gate refuses.

    Raises:
        ApiError: with code `promotion_refused` when the gate refuses; `fields` has the checks that failed.
    """
    body = {"version": number, "reason": reason, "override": override}
    # Repeated after it was done, it would say that nothing was.
    request = Request("PUT", address("aliases", "champion"), json=body, repeatable=False)
    return Promotion.model_validate_json((yield from send(request)).content)


def rollback(reason: str) -> Flow[ModelVersion]:
    """Let the version answer sellers that answered before."""
    path = address("aliases", "champion", "rollback")
    # Done twice, it would go one version further back.
    request = Request("POST", path, json={"reason": reason}, repeatable=False)
    return ModelVersion.model_validate_json((yield from send(request)).content)


def _of(dataset_version: int | None) -> dict[str, int]:
    return {} if dataset_version is None else {"dataset_version": dataset_version}
