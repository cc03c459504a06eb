"""People and how they are known: passwords, one-time links, browser sessions and API keys.

Of links, sessions and keys only the SHA-256 is kept, of passwords only the argon2id hash.
"""

from shared.accounts.keys import create_key, key_owner, keys, keys_of, note_use, revoke_key, revoke_key_id
from shared.accounts.links import (
    LINK_LIFETIME,
    consume_sign_in_link,
    create_sign_in_link,
    require_good_link,
)
from shared.accounts.people import (
    MAX_NAME_CHARACTERS,
    add_user,
    disable,
    enable,
    ensure_admin,
    find_user,
    names,
    people,
    set_role,
    user_by_id,
)
from shared.accounts.roles import ROLE_SCOPES, ROLES, SCOPES
from shared.accounts.sessions import (
    SESSION_LIFETIME,
    close_session,
    close_session_of,
    close_sessions,
    note_visit,
    open_session,
    sessions_of,
    signed_in,
)
from shared.accounts.tokens import use_is_stale

__all__ = [
    "LINK_LIFETIME",
    "MAX_NAME_CHARACTERS",
    "ROLES",
    "ROLE_SCOPES",
    "SCOPES",
    "SESSION_LIFETIME",
    "add_user",
    "close_session",
    "close_session_of",
    "close_sessions",
    "consume_sign_in_link",
    "create_key",
    "create_sign_in_link",
    "disable",
    "enable",
    "ensure_admin",
    "find_user",
    "key_owner",
    "keys",
    "keys_of",
    "names",
    "note_use",
    "note_visit",
    "open_session",
    "people",
    "require_good_link",
    "revoke_key",
    "revoke_key_id",
    "sessions_of",
    "set_role",
    "signed_in",
    "use_is_stale",
    "user_by_id",
]
