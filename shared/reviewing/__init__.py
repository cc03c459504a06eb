"""Reviewing: which photos people look at next, and what their answers say."""
