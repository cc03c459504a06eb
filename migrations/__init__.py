"""Database revisions, applied by `hangtag migrate` and at every start."""
