"""What augmentation does to a training photo: twelve samples of the exact pipeline on one sheet."""

from __future__ import annotations

from flask import Response

from shared.blobs import photo_key
from shared.datasets import store as datasets
from shared.errors import NotFoundError
from shared.jobs.states import Split
from shared.models.hyperparameters import HyperParameters
from shared.photos.augment import preview
from shared.photos.contact_sheet import contact_sheet
from web.services import services

# Large enough to see what happens, and twelve of them together small enough to send at every change.
PREVIEW_SIZE = 120
PREVIEW_COLUMNS = 4


def augmentation_sheet(parameters: HyperParameters, dataset_version: int | None) -> Response:
    """A WebP picture of the first training photo, varied as these parameters say.

    Raises:
        NotFoundError: there is no such dataset version, none at all, or it has no training photos.
        BlobMissingError: the photo's file is gone.
    """
    with services().database.read() as session:
        number = dataset_version or datasets.latest(session).number
        photos = datasets.lines(session, datasets.find(session, number).number, Split.TRAIN, limit=1)
    if not photos:
        raise NotFoundError(f"Dataset version {number} has no training photos to vary.")
    data = services().blobs.get(photo_key(photos[0].digest))
    samples = preview(data, parameters.augmentation, PREVIEW_SIZE, parameters.picture_seed)
    response = Response(contact_sheet(samples, PREVIEW_COLUMNS), content_type="image/webp")
    response.headers["Cache-Control"] = "private, max-age=300"
    return response
