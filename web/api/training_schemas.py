"""What the API says about a training before it is started."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from shared.models.forecast import Forecast


class ForecastOut(BaseModel):
    """What a training will take, in seconds. Nothing is started."""

    basis: Literal["measured", "scaled", "reference"] = Field(
        description="Whether the speed was measured here at this image size, at another one, or elsewhere."
    )
    rests_on: str = Field(description="The same in a sentence.")
    photos_per_second: float
    int8_photos_per_second: float | None = Field(
        description="The same for training photos in 8 bits; null where they are seen in full precision."
    )
    kept_photos: int = Field(description="Photos whose features an earlier training has computed.")
    new_photos: int = Field(description="Backbone passes that are needed.")
    engine_seconds: float = Field(description="Building an engine for the image size, or loading it.")
    feature_seconds: float
    epochs: int
    epoch_seconds: float
    tuning_seconds: float
    at_most: float = Field(description="The whole training, if it does not stop early.")

    @classmethod
    def of(cls, forecast: Forecast) -> ForecastOut:
        """The public view."""
        return cls.model_validate(forecast, from_attributes=True)
