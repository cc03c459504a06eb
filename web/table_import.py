"""Tables of labels that are sent to the server: bytes in, what was done with each line out."""

from __future__ import annotations

from shared.datasets.csv_import import CsvImport, CsvReport
from shared.errors import ValidationError
from web.auth import identity
from web.services import services

# 20 MB hold more lines than are taken at once.
MAX_CSV_BYTES = 20 * 1024 * 1024


def import_table(data: bytes) -> CsvReport:
    """Make examples of photos that Hangtag has already, in the name of who asks.

    Raises:
        ValidationError: the table is too large, not in UTF-8, or has no usable header.
    """
    if len(data) > MAX_CSV_BYTES:
        raise ValidationError("The table is larger than 20 MiB. Split it into several.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError("The table is not in UTF-8. Save it as UTF-8 and send it again.") from error
    known = services()
    return CsvImport(known.database, known.blobs, identity().user.name, None, None).run(text)
