"""LitServe with dynamic batching."""

# No `from __future__ import annotations` here: LitServe looks at the annotation of `decode_request` itself.
import os
from typing import Any

import litserve
import numpy as np
from fastapi import Request

from benchmarks.serving.network import BATCH_WAIT, MAX_BATCH, load


class ClassifierAPI(litserve.LitAPI):
    """Decodes, computes in batches, answers."""

    def setup(self, device: str) -> None:
        """Load the engine in the inference process."""
        self.classifier = load(os.environ["BENCH_NETWORK"])
        size = self.classifier.engine.feature_space.image_size
        self.classifier.categories([np.zeros((size, size, 3), dtype=np.uint8)])

    def decode_request(self, request: Request) -> Any:
        """The pixels of one upload."""
        return self.classifier.decode(request["photo"].file.read())

    def batch(self, inputs: list[Any]) -> list[Any]:
        """A list is what the engine stacks."""
        return inputs

    def predict(self, batch: list[Any]) -> list[str]:
        """The categories of a batch."""
        return self.classifier.categories(batch)

    def unbatch(self, output: list[str]) -> list[str]:
        """One answer per request."""
        return output

    def encode_response(self, output: str) -> dict[str, str]:
        """The answer."""
        return {"category": output}


if __name__ == "__main__":
    server = litserve.LitServer(
        ClassifierAPI(max_batch_size=MAX_BATCH, batch_timeout=BATCH_WAIT), accelerator="cpu", timeout=120
    )
    server.run(host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), generate_client_file=False)
