"""What tutorials build: Flask stores a photo, a Celery task calls `predict` on it, Redis holds the answer."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from celery import Celery
from celery.signals import worker_process_init
from flask import Flask, request

from benchmarks.serving.network import load_keras_model
from shared.photos.pixels import read_pixels

REDIS = os.environ["BENCH_REDIS"]
UPLOADS = Path(os.environ["BENCH_FOLDER"])

queue = Celery("bench", broker=REDIS, backend=REDIS)
app = Flask(__name__)
loaded: list[Any] = []


@worker_process_init.connect
def load(**_: object) -> None:
    """Load the model once per worker process, and have it compiled before the first photo."""
    loaded.extend(load_keras_model())
    model, size, _classes = loaded
    model.predict(np.zeros((1, size, size, 3), dtype=np.uint8), verbose=0)


@queue.task
def classify(path: str) -> str:
    """The category of one stored photo."""
    model, size, classes = loaded
    pixels = read_pixels(Path(path).read_bytes(), size)
    return str(classes[int(model.predict(pixels[None], verbose=0)[0].argmax())])


@app.post("/classify")
def upload() -> dict[str, str]:
    """Store a photo and queue it."""
    path = UPLOADS / f"{uuid.uuid4().hex}.jpg"
    request.files["photo"].save(path)
    return {"id": classify.delay(str(path)).id}


@app.get("/results/<task>")
def result(task: str) -> dict[str, str | None]:
    """The category, or none yet."""
    found = queue.AsyncResult(task)
    return {"category": str(found.result) if found.ready() else None}
