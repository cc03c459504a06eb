"""The checks of `hangtag doctor`."""
