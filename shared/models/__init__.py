"""Model versions: what they are made of, which one serves."""
