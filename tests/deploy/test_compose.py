"""docker-compose.yml describes the processes of `hangtag run`, with settings that exist and pinned images."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.processes import PROCESSES, Process
from shared.settings import VARIABLES, load_settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
# Not processes of ours, or not running ones.
BESIDES = {"redis", "postgres", "migrate"}
PINNED = re.compile(r"[\w./-]+:\d+\.\d+(\.\d+)?[\w.-]*")
SECRETS = ("HANGTAG_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")


def _seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_it_has_the_same_processes_as_hangtag_run() -> None:
    described = {name for name, service in SERVICES.items() if "profiles" not in service} - BESIDES
    assert described == {process.name for process in PROCESSES}


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_a_process_is_started_and_stopped_as_hangtag_run_does(process: Process) -> None:
    service = SERVICES[process.name]
    assert tuple(service["command"]) == process.command
    assert _seconds(service["stop_grace_period"]) >= process.stop_seconds
    assert process.environment.items() <= service["environment"].items()
    assert "healthcheck" in service


def test_the_gpu_variant_is_the_same_worker_on_another_image() -> None:
    usual, variant = SERVICES["worker-predict"], SERVICES["worker-predict-gpu"]
    assert variant["profiles"] == ["gpu"]
    assert variant["command"] == usual["command"]
    assert variant["environment"] == usual["environment"]
    assert variant["image"] != usual["image"]


def test_it_names_only_settings_that_exist() -> None:
    named = {name for service in SERVICES.values() for name in service.get("environment", {})}
    assert {name for name in named if name.startswith("HANGTAG_")} <= set(VARIABLES)
    used = set(re.findall(r"HANGTAG_[A-Z_]+", DOCKERFILE))
    assert used <= set(VARIABLES)


def test_its_settings_start_a_production_server(tmp_path: Path) -> None:
    environment = {
        name: re.sub(r"\$\{\w+:\?[^}]*\}", "0123456789abcdef" * 3, value)
        for name, value in SERVICES["web"]["environment"].items()
        if name.startswith("HANGTAG_")
    }
    settings = load_settings(environment)
    assert settings.production
    assert settings.host == "0.0.0.0"  # noqa: S104 - inside a container


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_has_a_pinned_version(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name]["image"])


def test_the_image_that_ours_are_built_on_is_pinned() -> None:
    (outside,) = set(re.findall(r"^FROM (\S+:\S+)", DOCKERFILE, re.MULTILINE))
    assert PINNED.fullmatch(outside)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_has_no_default(secret: str) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    uses = re.findall(rf"\$\{{{secret}([^}}]*)\}}", text)
    assert uses
    assert all(use.startswith(":?") for use in uses)


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"postgres"}))
def test_a_container_can_do_little_besides_its_work(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_only_the_web_process_is_reachable_and_only_from_this_machine() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(ports) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in ports["web"])


def test_our_images_do_not_run_as_root() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)
    for stage in stages:
        if re.match(r"\S+ AS (web|worker)\n", stage):
            assert re.search(r"^USER hangtag$", stage, re.MULTILINE)


def test_our_images_have_every_package_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {pattern.rstrip("*") for pattern in patterns}
    assert {name for name in packages if f"COPY {name} /app/{name}" not in DOCKERFILE} == set()
    sent = (ROOT / ".dockerignore").read_text().split()
    assert {name for name in packages if f"!{name}" not in sent} == set()


def test_our_images_install_only_what_is_pinned_by_hash() -> None:
    installs = re.findall(r"^RUN pip install (.*)$", DOCKERFILE, re.MULTILINE)
    assert installs
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
