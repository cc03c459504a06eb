"""Behaviour of Hangtag, asserted through its public doors."""
