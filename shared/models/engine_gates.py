"""Which versions may answer through an int8 engine, and who still has to be judged. All SQL of the gate.

A head is chosen and measured in full precision. On the slightly different features of the int8 network it may
only serve after `worker.quantize` compared the two on validation photos. Everything else serves in full
precision: a version that was not judged yet, was refused, or was judged under another OpenVINO.
Heads may learn from the features of an int8 network with which some version passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from shared.database import insert_if_absent
from shared.datasets import store as datasets
from shared.jobs import store
from shared.jobs.states import ACTIVE, JobKind, JobState, Split
from shared.models import registry
from shared.models.feature_space import FeatureSpace
from shared.models.parameter_fields import ParametersError
from shared.tables import DatasetVersion, EngineGate, Job, ModelVersion

# With fewer, one answer would be more than a point of agreement, and no loss would stand out from chance.
MIN_PHOTOS = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out of comparing a version's int8 engine with full precision."""

    network_digest: str
    passed: bool
    figures: dict[str, Any]
    reason: str


def of(session: Session, number: int) -> EngineGate | None:
    """The gate of a version; None when nobody has asked for it yet."""
    return session.get(EngineGate, number)


def passed_at(session: Session, number: int) -> datetime | None:
    """When a version passed; None when it did not."""
    return session.scalar(
        select(Job.finished_at)
        .join(EngineGate, EngineGate.job_id == Job.id)
        .where(EngineGate.model_version == number, EngineGate.passed.is_(True))
    )


def every(session: Session) -> dict[int, EngineGate]:
    """All gates by the number of their version."""
    return {gate.model_version: gate for gate in session.scalars(select(EngineGate))}


def request_next(session: Session, openvino: str) -> Job | None:
    """Queue the judgement of the next version that needs one under this release of OpenVINO, if any does.

    One at a time, the champion first, then the versions that could take its place at once: a version that was
    judged before it is promoted serves in 8 bits from its first answer. Of several who ask, one gets the job.
    A judgement whose job ended without it counts as a refusal, until that job is tried again.
    """
    if session.scalar(_at_work()) is not None:
        return None
    _refuse_unjudged(session)
    for version in _candidates(session):
        dataset = dataset_for(session, version)
        if dataset is not None and _needed(of(session, version.number), dataset, openvino):
            return _request(session, version, dataset, openvino)
    return None


def dataset_for(session: Session, version: ModelVersion) -> DatasetVersion | None:
    """The photos to judge a version on: those it was made from, else the newest ones of its categories.

    None where there are too few validation photos to judge anything.
    """
    made_from = version.lineage.get("dataset_digest")
    own = session.scalar(select(DatasetVersion).where(DatasetVersion.digest == made_from))
    found = own or next(iter(datasets.versions(session)), None)
    if found is None or not set(found.classes) <= set(version.classes):
        return None
    return found if sum(found.counts[Split.VALIDATION].values()) >= MIN_PHOTOS else None


def quantized_network(session: Session, feature_space: str, openvino: str) -> str | None:
    """The digest of the int8 network that earlier judgements in this feature space used, if there is one."""
    return session.scalar(
        select(EngineGate.network_digest)
        .join(ModelVersion, ModelVersion.number == EngineGate.model_version)
        .where(
            ModelVersion.feature_space == feature_space,
            EngineGate.openvino == openvino,
            EngineGate.network_digest.is_not(None),
        )
        .limit(1)
    )


def require_passed_network(session: Session, space: FeatureSpace, openvino: str | None = None) -> str:
    """The digest of the int8 network of this space with which a version passed, the newest one's.

    Args:
        openvino: the release that has to be the same; None where it is not known, as in the web process.

    Raises:
        ParametersError: none has passed, so nothing may be learned from such features.
    """
    passed = (
        select(EngineGate.network_digest)
        .join(ModelVersion, ModelVersion.number == EngineGate.model_version)
        .where(ModelVersion.feature_space == space.key, EngineGate.passed.is_(True))
        .order_by(ModelVersion.number.desc())
        .limit(1)
    )
    if openvino is not None:
        passed = passed.where(EngineGate.openvino == openvino)
    digest = session.scalar(passed)
    if digest is None:
        raise ParametersError([{"field": "precision", "message": _not_passed(space, openvino)}])
    return digest


def _not_passed(space: FeatureSpace, openvino: str | None) -> str:
    release = f" under OpenVINO {openvino}" if openvino else ""
    return (
        f"No int8 engine for {space.image_size} px has passed its check{release}. One is made and checked in "
        "the background while a version of this image size answers sellers on a CPU and there is a dataset "
        f"with {MIN_PHOTOS} validation photos. Until then set the precision of features to 'full'."
    )


def decide(session: Session, number: int, verdict: Verdict) -> None:
    """Write down the judgement over a version. Workers follow it within seconds."""
    gate = session.get_one(EngineGate, number)
    gate.network_digest, gate.passed = verdict.network_digest, verdict.passed
    gate.figures, gate.reason = verdict.figures, verdict.reason


def _at_work() -> Any:
    return select(Job.id).where(Job.kind == JobKind.QUANTIZE, Job.state.in_(ACTIVE)).limit(1)


def _refuse_unjudged(session: Session) -> None:
    rows = select(EngineGate, Job).join(Job, Job.id == EngineGate.job_id)
    for gate, job in session.execute(rows.where(EngineGate.passed.is_(None), Job.state.not_in(ACTIVE))):
        ended = "was cancelled" if job.state is JobState.CANCELLED else "failed"
        gate.passed = False
        gate.reason = (
            f"OpenVINO int8 could not be judged: the check {ended}. Look at job {job.id} for the reason, "
            "then try it again."
        )


def _candidates(session: Session) -> Iterator[ModelVersion]:
    champion = registry.champion(session)
    if champion is None:
        return
    yield champion
    same = (ModelVersion.feature_space == champion.feature_space, ModelVersion.diagnostic.is_(False))
    others = select(ModelVersion).where(*same, ModelVersion.number != champion.number)
    yield from session.scalars(others.order_by(ModelVersion.number.desc()))


def _needed(gate: EngineGate | None, dataset: DatasetVersion, openvino: str) -> bool:
    """A refusal is looked at again on a newer dataset; everything counts for one release of OpenVINO only."""
    if gate is None or gate.openvino != openvino:
        return True
    return gate.passed is False and gate.dataset_version != dataset.number


def _request(session: Session, version: ModelVersion, dataset: DatasetVersion, openvino: str) -> Job | None:
    outdated = or_(EngineGate.openvino != openvino, EngineGate.dataset_version != dataset.number)
    session.execute(delete(EngineGate).where(EngineGate.model_version == version.number, outdated))
    job = store.create(session, JobKind.QUANTIZE, payload={"model_version": version.number})
    asked_first = insert_if_absent(
        session,
        EngineGate,
        model_version=version.number,
        job_id=job.id,
        dataset_version=dataset.number,
        openvino=openvino,
    )
    if asked_first:
        return job
    session.delete(job)
    return None
