"""The example in the API guide tells genuine webhooks from others."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from shared.webhooks import signing

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "api-guide.md"
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_example_of_the_guide_accepts_what_hangtag_signs_and_nothing_else() -> None:
    [code] = [block for block in PYTHON.findall(GUIDE.read_text()) if "def genuine(" in block]
    defined: dict[str, Any] = {}
    exec(code, defined)  # noqa: S102 - our own page
    genuine = defined["genuine"]
    key, old, body, now = b"k" * 32, b"o" * 32, b'{"type":"test"}', int(time.time())
    headers = signing.headers([key, old], "01a20b15", now, body)
    for valid in (key, old):  # both sign for a while after a rotation
        assert genuine(signing.secret_text(valid), headers, body)
    assert not genuine(signing.secret_text(b"x" * 32), headers, body)
    assert not genuine(signing.secret_text(key), headers, body + b" ")
    late = signing.headers([key], "01a20b15", now - 301, body)
    assert not genuine(signing.secret_text(key), late, body)
