"""Webhooks: signed messages about ended work, to addresses that people have named, sent until they arrive."""
