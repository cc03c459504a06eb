"""What goes in and out of the API about people and their keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from shared.accounts import LINK_LIFETIME, MAX_NAME_CHARACTERS
from shared.accounts.keys import MAX_DAYS
from shared.clock import rfc3339, utc_now
from shared.tables import ApiKey, User
from web.api.schemas import Input

Role = Literal["seller", "reviewer", "admin"]
Scope = Literal["classify", "read", "train", "admin"]


class UserIn(Input):
    """Somebody new."""

    name: str = Field(min_length=1, max_length=MAX_NAME_CHARACTERS)
    role: Role = "seller"


class UserChangeIn(Input):
    """What shall be different about a person; what is left out stays."""

    role: Role | None = None
    disabled: bool | None = Field(None, description="true shuts somebody out at once; keys die with it.")


class UserOut(BaseModel):
    """One person."""

    id: str
    name: str
    role: Role
    has_password: bool
    disabled: bool
    created_at: str

    @classmethod
    def of(cls, user: User) -> UserOut:
        """The public view of a person's row."""
        return cls(
            id=user.id,
            name=user.name,
            role=user.role,
            has_password=user.password_hash is not None,
            disabled=user.disabled_at is not None,
            created_at=rfc3339(user.created_at) or "",
        )


class UsersOut(BaseModel):
    """Everybody, by name."""

    users: list[UserOut]


class LinkOut(BaseModel):
    """A link that signs one person in once. It is shown here and never again."""

    url: str
    expires_at: str

    @classmethod
    def of(cls, url: str) -> LinkOut:
        """A link that was made just now."""
        return cls(url=url, expires_at=rfc3339(utc_now() + LINK_LIFETIME) or "")


class KeysQuery(Input):
    """Whose keys to list."""

    user_id: str | None = Field(None, pattern=r"^[0-9a-f-]{36}$", description="Of one person; admin only.")


class KeyIn(Input):
    """A new key."""

    name: str = Field(min_length=1, max_length=MAX_NAME_CHARACTERS, description="What it is for.")
    scopes: list[Scope] = Field(min_length=1, max_length=10)
    days: int | None = Field(None, ge=1, le=MAX_DAYS, description="Until it expires; never if left out.")
    user_id: str | None = Field(None, pattern=r"^[0-9a-f-]{36}$", description="Whose; admin only.")

    @property
    def expires_at(self) -> datetime | None:
        """When it stops working."""
        return datetime.now(UTC) + timedelta(days=self.days) if self.days else None


class KeyOut(BaseModel):
    """One key, without its secret part."""

    id: str
    user_id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None

    @classmethod
    def of(cls, key: ApiKey) -> KeyOut:
        """The public view of a key's row."""
        return cls(
            id=key.id,
            user_id=key.user_id,
            name=key.name,
            prefix=key.prefix,
            scopes=key.scopes,
            created_at=rfc3339(key.created_at) or "",
            expires_at=rfc3339(key.expires_at),
            last_used_at=rfc3339(key.last_used_at),
            revoked_at=rfc3339(key.revoked_at),
        )


class KeysOut(BaseModel):
    """Keys, newest first."""

    keys: list[KeyOut]


class NewKeyOut(BaseModel):
    """A new key. `text` is the key itself, shown here and never again."""

    key: KeyOut
    text: str
