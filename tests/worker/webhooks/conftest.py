"""Receivers on this machine, and settings that allow them."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterator

import pytest

from shared.settings import Settings
from tests.webhook_receiver import Receiver, receiver


@pytest.fixture
def local(settings: Settings) -> Settings:
    """Settings that let webhooks reach this machine."""
    return dataclasses.replace(settings, webhook_networks=(ipaddress.ip_network("127.0.0.0/8"),))


@pytest.fixture
def shop() -> Iterator[Receiver]:
    """Somebody's receiver."""
    with receiver() as found:
        yield found
