"""What the counts of a dataset tell, and what a table of labels does."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets.csv_import import CsvImport, CsvReport
from shared.datasets.findings import chi_square_exceeds, from_counts, total_variation
from shared.datasets.splits import split_of
from shared.errors import ValidationError
from shared.jobs.states import Split
from shared.photos.decoder import Decoder
from shared.photos.intake import prepare
from shared.tables import DatasetVersion, Example
from tests.factories import add_photo, add_user, picture


def version(train: dict[str, int], test: dict[str, int]) -> DatasetVersion:
    """A dataset version with these counts."""
    counts = {"train": train, "validation": train, "test": test}
    return DatasetVersion(number=1, digest="0" * 64, classes=sorted(train), counts=counts)


def names(train: dict[str, int], test: dict[str, int]) -> list[str]:
    return [finding.name for finding in from_counts(version(train, test))]


def test_a_balanced_dataset_has_no_findings() -> None:
    assert names({"hat": 100, "shirt": 120}, {"hat": 30, "shirt": 36}) == []


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        ({"hat": 100, "shirt": 100}, {"shirt": 50}, ["unmeasured", "prior_shift"]),
        ({"hat": 19, "shirt": 40}, {"hat": 10, "shirt": 20}, ["few_to_learn"]),
        ({"hat": 100, "shirt": 100}, {"hat": 9, "shirt": 9}, ["few_to_measure"]),
        ({"hat": 100, "shirt": 100}, {"hat": 80, "shirt": 20}, ["prior_shift"]),
        ({"hat": 40, "shirt": 401}, {"hat": 20, "shirt": 200}, ["unequal"]),
    ],
)
def test_each_rule_finds_what_it_is_about(
    train: dict[str, int], test: dict[str, int], expected: list[str]
) -> None:
    assert names(train, test) == expected


def test_mixes_are_compared_by_half_the_sum_of_differences() -> None:
    assert total_variation({"hat": 1, "shirt": 3}, {"hat": 3, "shirt": 1}) == 0.5
    assert total_variation({"hat": 1}, {"shirt": 1}) == 1.0


def test_the_mix_of_few_photos_is_put_down_to_chance() -> None:
    # 2 x 2 table: chi-square 0.8 and 80; the 1 % quantile with one degree of freedom is 6.63.
    assert not chi_square_exceeds({"hat": 3, "shirt": 2}, {"hat": 2, "shirt": 3})
    assert chi_square_exceeds({"hat": 300, "shirt": 200}, {"hat": 200, "shirt": 300})


@pytest.mark.parametrize(("low", "high"), [(56, 59)])
def test_the_quantile_is_that_of_the_tables(low: int, high: int) -> None:
    # n and 100 - n of each: chi-square is (2n - 100)^2 / 50 x 2 / 2; 6.635 lies between n = 59 and n = 60.
    mirrored = [({"hat": n, "shirt": 100 - n}, {"hat": 100 - n, "shirt": n}) for n in (low, high + 1)]
    assert [chi_square_exceeds(*pair) for pair in mirrored] == [False, True]


def import_table(database: Database, blobs: BlobStore, text: str, folder: Path | None = None) -> CsvReport:
    decoder = Decoder(1)
    try:
        return CsvImport(database, blobs, "labels.csv", decoder, folder).run(text)
    finally:
        decoder.close()


def test_a_table_beside_photos_makes_examples_of_them(
    database: Database, blobs: BlobStore, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(picture(number))
    (folder / "broken.jpg").write_bytes(b"no photo")
    text = (
        "Photo,Label,Split\n0.jpg,hat,test\n1.jpg,shirt,\n2.jpg,hat,upside\nbroken.jpg,hat,\n../x.jpg,hat,\n"
    )
    report = import_table(database, blobs, text, folder)
    assert report.added == 2
    assert [line for line, _ in report.errors] == [4, 5, 6]
    first, second = (prepare(picture(number)).digest for number in (0, 1))
    with database.read() as session:
        found = {digest: session.get(Example, digest) for digest in (first, second)}
    assert found[first] is not None
    assert found[first].split is Split.TEST  # type: ignore[union-attr]
    assert found[second].split is split_of(second)  # type: ignore[union-attr]


def test_a_label_can_be_corrected_and_a_side_cannot(
    database: Database, blobs: BlobStore, tmp_path: Path
) -> None:
    (tmp_path / "0.jpg").write_bytes(picture(0))
    digest = prepare(picture(0)).digest
    import_table(database, blobs, "photo,label,split\n0.jpg,hat,train\n", tmp_path)
    report = import_table(database, blobs, f"photo,label,split\n{digest},cap,\n{digest},cap,test\n")
    assert (report.relabelled, [line for line, _ in report.errors]) == (1, [3])
    assert "never changes sides" in report.errors[0][1]


@pytest.mark.parametrize("label", ["", "x" * 81, "not-in-list", "several-items"])
def test_a_line_whose_label_is_none_is_listed(database: Database, blobs: BlobStore, label: str) -> None:
    photo = add_photo(database, blobs, add_user(database))
    report = import_table(database, blobs, f"photo,label\n{photo.id},{label}\n")
    assert report.added == 0
    assert "label" in report.errors[0][1]


@pytest.mark.parametrize("text", ["", "file,label\n", "photo,label,colour\n", 'photo,label\n"a,b\n'])
def test_what_is_no_such_table_is_refused_whole(database: Database, blobs: BlobStore, text: str) -> None:
    with pytest.raises(ValidationError):
        import_table(database, blobs, text)
