"""The bell that rings when jobs may have ended, through a real Redis and without one."""

from __future__ import annotations

import dataclasses
import shutil
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from shared.jobs import bell
from shared.jobs.bell import Bell
from shared.settings import Settings
from shared.tables import new_id
from tests.redis_server import redis_server

# Far more than anything here takes; who listened as long has heard nothing.
LONG = 60.0


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bells that are built from here on wait longer: half a second is little on a machine that stalls."""
    monkeypatch.setattr(bell, "ANSWER_SECONDS", 20.0)


def at(settings: Settings, url: str) -> Bell:
    return Bell(dataclasses.replace(settings, redis_url=url))


@pytest.mark.usefixtures("_patient")
def test_who_listens_hears_what_somebody_else_rings(settings: Settings) -> None:
    with Bell(settings).listening() as hears:
        assert hears(LONG)  # Redis says that somebody listens
        Bell(settings).ring()
        began = time.monotonic()
        assert hears(LONG)
        assert time.monotonic() - began < LONG / 2


def test_without_redis_nobody_waits_for_a_ring_and_nobody_minds(settings: Settings, tmp_path: Path) -> None:
    silent = at(settings, f"redis+socket://{tmp_path}/nobody.sock")
    silent.ring()
    with silent.listening() as hears:
        assert not hears(LONG)


@pytest.mark.usefixtures("_patient")
def test_a_redis_that_comes_back_is_heard_again(
    settings: Settings, short_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "PAUSE_SECONDS", 0.0)
    folder = short_tmp / f"bell-{new_id()[-6:]}"
    with ExitStack() as stack:
        with redis_server(folder) as url:
            hears = stack.enter_context(at(settings, url).listening())
            assert hears(LONG)  # what Redis says about the subscription has come, and is not read later
        assert not hears(0.1)
        shutil.rmtree(folder)
        with redis_server(folder):
            assert hears(0.1)
