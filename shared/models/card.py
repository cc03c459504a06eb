"""The model card of a version: what it is, what it was trained on, how good it is and where it is not."""

from __future__ import annotations

from typing import Any

from shared.tables import ModelVersion

CARD_FACTS = ("dataset_digest", "engine", "int8_network_digest", "best_epoch")


def model_card(version: ModelVersion) -> str:
    """The card as Markdown, after Mitchell et al. 2019, "Model Cards for Model Reporting"."""
    test = version.metrics["test"]
    lineage = version.lineage
    return "\n".join(
        [
            "# Model card",
            "",
            f"{_network(lineage)} ({version.image_size} px, global average pooling). It suggests one of "
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
            *_selection(lineage),
            *_precision(lineage),
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


def _network(lineage: dict[str, Any]) -> str:
    block = lineage.get("parameters", {}).get("fine_tuning.from_block")
    if block:
        return f"Xception, fine-tuned from block {block} upward, with a head of dense layers"
    return "A head of dense layers on Xception's frozen ImageNet features"


def selection_bias(lineage: dict[str, Any]) -> str | None:
    """What being the best of many does to a version's validation figures; None for a training by itself."""
    sweep = lineage.get("sweep")
    if not sweep:
        return None
    if not sweep["best"]:
        return f"One of {sweep['trials']} trials of a sweep, registered beside the best."
    return (
        f"The best of {sweep['trials']} trials of a sweep by its validation photos. The best of many was "
        "also lucky there, so its validation figures promise too much; the test photos were looked at once, "
        "for this trial."
    )


def _selection(lineage: dict[str, Any]) -> list[str]:
    sentence = selection_bias(lineage)
    return ["", sentence] if sentence else []


def learned_in_8_bits(lineage: dict[str, Any]) -> str | None:
    """Says of a version that learned from features in 8 bits what they count for; None for all others."""
    digest = lineage.get("int8_network_digest")
    if digest is None:
        return None
    return (
        f"It learned from features in 8 bits (int8 network {digest[:16]}). The epoch was chosen, the "
        "confidence calibrated and every figure here measured on features in full precision."
    )


def _precision(lineage: dict[str, Any]) -> list[str]:
    sentence = learned_in_8_bits(lineage)
    return ["", sentence] if sentence else []


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
    flat = [(name, lineage[name]) for name in CARD_FACTS if name in lineage]
    flat += sorted(lineage.get("parameters", {}).items())
    return flat + sorted(lineage.get("libraries", {}).items())
