"""A short fuzz run; `make fuzz` is the long one."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.run import fuzz, fuzz_reader
from tests.web_server import serve

RUNS = 400
SEED = 7


def test_damaged_pictures_and_archives_get_answers_and_leave_nothing(short_tmp: Path, redis_url: str) -> None:
    folder = short_tmp / "fuzz"
    (folder / "kept").mkdir(parents=True)
    with serve(folder / "web", redis_url) as server:
        report = fuzz(server, RUNS, SEED, folder / "kept")
    assert report.violations == []
    assert sum(report.answers.values()) == RUNS
    assert report.answers["accepted"] > RUNS / 20


def test_the_reader_of_archives_survives_what_a_fuzzer_makes_of_them(tmp_path: Path) -> None:
    assert "cov:" in fuzz_reader(2000, SEED, tmp_path)
