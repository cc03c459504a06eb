"""The model card of a version: what it is, what it was trained on, how good it is and where it is not."""

from __future__ import annotations

from typing import Any

from shared.tables import ModelVersion


def model_card(version: ModelVersion) -> str:
    """The card as Markdown, after Mitchell et al. 2019, "Model Cards for Model Reporting"."""
    test = version.metrics["test"]
    lineage = version.lineage
    return "\n".join(
        [
            "# Model card",
            "",
            f"A head of dense layers on Xception's frozen ImageNet features ({version.image_size} px, "
            "global average pooling). It suggests one of "
            f"{len(version.classes)} categories: {', '.join(version.classes)}.",
            "",
            "**Meant for** suggesting a category to a seller who keeps or corrects it. **Not meant for** "
            "deciding anything without a person, or for photos of anything but one garment: whatever is not "
            "in the list gets the nearest category that is.",
            "",
            "## How good it is",
            "",
            f"On {test['count']} test photos that took no part in training or in choosing the epoch: "
            f"accuracy **{test['accuracy']:.3f}** (95 % Wilson interval {_interval(test['interval'])}).",
            "",
            "| category | test photos | precision | recall | 95 % interval of recall |",
            "| --- | ---: | ---: | ---: | --- |",
            *[_row(row) for row in test["per_class"]],
            "",
            f"Expected calibration error {test['expected_calibration_error']:.3f}, "
            f"log loss {test['log_loss']:.3f}. Validation accuracy "
            f"{version.metrics['validation']['accuracy']:.3f} is optimistic: the epoch was chosen on it.",
            "",
            "## How it was made",
            "",
            *[f"- {name}: `{value}`" for name, value in _facts(lineage)],
            f"- head SHA-256: `{version.head_digest}`",
            "",
            "Made again with: `make starter DATA=<folder with train/ validation/ test/>`.",
            "The photos: alexeygrigorev/clothing-dataset-small, given to the public domain (CC0 1.0).",
            "",
        ]
    )


def _row(row: dict[str, Any]) -> str:
    interval = _interval(row["recall_interval"])
    return (
        f"| {row['category']} | {row['support']} | {_figure(row['precision'])} | {_figure(row['recall'])} "
        f"| {interval} |"
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _interval(bounds: list[float] | None) -> str:
    return "-" if bounds is None else f"{bounds[0]:.2f} to {bounds[1]:.2f}"


def _facts(lineage: dict[str, Any]) -> list[tuple[str, Any]]:
    flat = [(name, lineage[name]) for name in ("dataset_digest", "engine", "best_epoch") if name in lineage]
    flat += sorted(lineage.get("parameters", {}).items())
    return flat + sorted(lineage.get("libraries", {}).items())
