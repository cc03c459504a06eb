"""What `hangtag run` does: prepare, start, watch, check, stop."""
