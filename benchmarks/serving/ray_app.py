"""Ray Serve with request batching."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import numpy as np
import ray
from ray import serve

from benchmarks.serving.network import BATCH_WAIT, MAX_BATCH, load


# All cores for its one replica: Ray would otherwise give it the threads of one.
@serve.deployment(max_ongoing_requests=64, ray_actor_options={"num_cpus": os.cpu_count()})
class ClassifierDeployment:
    """Decodes each request, computes in batches."""

    def __init__(self) -> None:
        self.classifier = load(os.environ["BENCH_NETWORK"])
        size = self.classifier.engine.feature_space.image_size
        self.classifier.categories([np.zeros((size, size, 3), dtype=np.uint8)])

    @serve.batch(max_batch_size=MAX_BATCH, batch_wait_timeout_s=BATCH_WAIT)
    async def compute(self, pixels: list[Any]) -> list[str]:
        """The categories of a batch, on a thread, so that the next requests are read meanwhile."""
        return await asyncio.to_thread(self.classifier.categories, pixels)

    async def __call__(self, request: Any) -> dict[str, str]:
        """The category of one uploaded photo."""
        form = await request.form()
        photo = await form["photo"].read()
        pixels = await asyncio.to_thread(self.classifier.decode, photo)
        return {"category": await self.compute(pixels)}


if __name__ == "__main__":
    ray.init(include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["BENCH_PORT"])})
    # The decorator made a deployment of the class.
    application = ClassifierDeployment.bind()  # type: ignore[attr-defined]
    serve.run(application, blocking=True)
