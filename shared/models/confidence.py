"""How sure an answer has to be to be suggested, and from when it sounds certain. Imports no arrays."""

from __future__ import annotations

from typing import Literal

Decision = Literal["suggest", "ask"]

# The choice is left to the seller.
ASK: Decision = "ask"
# Below 0.7 a page says "Please choose" instead of naming a category: there, with calibrated probabilities,
# three suggestions in ten or more would be wrong, and noticing a wrong one is harder than choosing.
SUGGEST_AT = 0.7
# Design, "Confidence in words": from here on the network may sound certain.
SURE_AT = 0.9
