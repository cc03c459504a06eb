"""Listings: what a seller is about to sell, what is suggested for it, and what they chose."""
