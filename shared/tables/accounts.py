"""People, and the secrets by which they are known: links, sessions and API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import utc_now
from shared.tables.base import Base, new_id


class User(Base):
    """Somebody who may sign in, unless disabled. `role` is seller, reviewer or admin."""

    __tablename__ = "user_account"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    password_hash: Mapped[str | None] = mapped_column(String(200))  # argon2id with its parameters and salt
    password_set_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("role IN ('seller', 'reviewer', 'admin')", name="role"),)


class SignInLink(Base):
    """A link that signs one person in once. Only the SHA-256 of its token is kept."""

    __tablename__ = "sign_in_link"

    token_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class WebSession(Base):
    """A signed-in browser. Deleting the row signs it out."""

    __tablename__ = "web_session"

    token_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    browser: Mapped[str | None] = mapped_column(String(60))  # in plain words, "Firefox on Linux"
    by_link: Mapped[bool | None]


class ApiKey(Base):
    """A bearer key with scopes. Only the SHA-256 of it is kept; `prefix` lets people recognise it."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    prefix: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SignInAttempt(Base):
    """How often somebody tried to sign in lately. `subject` is the SHA-256 of a name or an address."""

    __tablename__ = "sign_in_attempt"

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    window_ends_at: Mapped[datetime] = mapped_column(index=True)
