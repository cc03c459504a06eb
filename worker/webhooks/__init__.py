"""Sends webhooks: one HTTP request with all its limits (`post`), and which messages when (`sender`)."""
