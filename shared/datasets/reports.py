"""Reports on dataset versions: the findings from counts, and those of the job that looks at every photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database import take_turn
from shared.datasets.findings import Finding, from_counts
from shared.errors import DatasetBlockedError
from shared.jobs import store as jobs
from shared.jobs.states import ACTIVE, JobKind, JobState
from shared.tables import DatasetReport, DatasetVersion, Job


@dataclass(frozen=True, slots=True)
class Report:
    """What is known about a dataset version. `looked_at` is None until a job has looked at every photo.

    `compared` says whether photos could be compared with each other, for which their features must exist.
    """

    findings: list[Finding]
    looked_at: datetime | None
    compared: bool

    @property
    def blocking(self) -> list[Finding]:
        """The findings that keep trainings from starting."""
        return [finding for finding in self.findings if finding.level == "blocks"]


def of(session: Session, version: DatasetVersion) -> Report:
    """Everything that is known about a dataset version now."""
    return _report(version, session.get(DatasetReport, version.number))


def of_all(session: Session, versions: Sequence[DatasetVersion]) -> list[tuple[DatasetVersion, Report]]:
    """The same for many dataset versions at once."""
    numbers = [version.number for version in versions]
    rows = session.scalars(select(DatasetReport).where(DatasetReport.dataset_version.in_(numbers)))
    by_number = {row.dataset_version: row for row in rows}
    return [(version, _report(version, by_number.get(version.number))) for version in versions]


def _report(version: DatasetVersion, row: DatasetReport | None) -> Report:
    looked = [Finding.model_validate(finding) for finding in row.findings] if row else []
    findings = sorted([*from_counts(version), *looked], key=lambda finding: finding.level != "blocks")
    return Report(findings, row.created_at if row else None, bool(row and row.feature_space))


def require_trainable(session: Session, version: DatasetVersion) -> None:
    """Check that no finding blocks trainings on this dataset version.

    Raises:
        DatasetBlockedError: one does.
    """
    blocking = of(session, version).blocking
    if blocking:
        raise DatasetBlockedError(version.number, {found.name: found.detail for found in blocking})


def record(session: Session, number: int, findings: list[Finding], feature_space: str | None) -> None:
    """Keep what the job found; what an earlier one found is replaced."""
    row = session.get(DatasetReport, number)
    if row is not None:
        session.delete(row)
        session.flush()
    kept = [finding.model_dump(mode="json") for finding in findings]
    session.add(DatasetReport(dataset_version=number, findings=kept, feature_space=feature_space))


def request(session: Session, number: int, owner_id: str) -> Job:
    """The job that looks at every photo of a dataset version: a new one, or the one that is on its way."""
    take_turn(session, JobKind.REPORT.value)
    payload = {"dataset_version": number}
    return running(session, number) or jobs.create(
        session, JobKind.REPORT, owner_id=owner_id, payload=payload
    )


def ensure(session: Session, number: int, owner_id: str) -> str | None:
    """The id of a new job for a dataset version that nobody has looked at and that none is looking at."""
    take_turn(session, JobKind.REPORT.value)
    if session.get(DatasetReport, number) is not None or running(session, number):
        return None
    return request(session, number, owner_id).id


def request_next(session: Session) -> Job | None:
    """Queue a look at the newest dataset version, if it takes one, and nobody asked for it yet.

    It takes one when nobody has looked, as after an import, and once more when its photos could not be
    compared and a training has computed their features since. A look that failed is not repeated by itself.
    """
    take_turn(session, JobKind.REPORT.value)
    newest = session.scalars(select(DatasetVersion).order_by(DatasetVersion.number.desc()).limit(1)).first()
    if newest is None:
        return None
    row, last = session.get(DatasetReport, newest.number), _newest(session, JobKind.REPORT, newest.number)
    if row is None:
        wanted = last is None
    else:
        trained = _newest(session, JobKind.TRAIN, newest.number)
        since = trained is not None and trained.state is JobState.SUCCEEDED and trained.finished_at
        looks = last is not None and last.finished_at is None
        wanted = not row.feature_space and not looks and bool(since and since > row.created_at)
    payload = {"dataset_version": newest.number}
    return jobs.create(session, JobKind.REPORT, payload=payload) if wanted else None


def _newest(session: Session, kind: JobKind, number: int) -> Job | None:
    """The newest job of this kind on a dataset version."""
    on_it = Job.payload["dataset_version"].as_integer() == number
    return session.scalars(
        select(Job).where(Job.kind == kind, on_it).order_by(Job.id.desc()).limit(1)
    ).first()


def running(session: Session, number: int) -> Job | None:
    """The job that looks at this dataset version now, if there is one."""
    last = _newest(session, JobKind.REPORT, number)
    return last if last is not None and last.state in ACTIVE else None
