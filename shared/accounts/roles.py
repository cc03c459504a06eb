"""What people may be, and what each may do."""

from __future__ import annotations

SCOPES = ("classify", "read", "train", "admin")
ROLES = ("seller", "reviewer", "admin")
# What a person may do through the API, and so the most that a key of theirs may do.
ROLE_SCOPES = {
    "seller": frozenset({"classify", "read"}),
    "reviewer": frozenset({"classify", "read"}),
    "admin": frozenset(SCOPES),
}
