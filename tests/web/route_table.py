"""Who may use which route. `test_routes.py` walks it; a route that is not in here fails that test.

Each row names a route as its method and rule, and what each kind of caller gets:

- anonymous: nobody we know;
- other: a seller, where the row's objects belong to another seller;
- seller: the seller whose objects they are;
- reviewer, admin: people with these roles;
- the scopes: an administrator's key with that one scope. Without the scope `admin` such a key sees only its
  owner's objects, so that the seller's answer 404.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ACTORS = ("anonymous", "other", "seller", "reviewer", "admin")
SCOPES = ("classify", "read", "train", "admin")


@dataclass(frozen=True, slots=True)
class Route:
    """The statuses for ACTORS and for keys with one of SCOPES, and what to send."""

    people: tuple[int, int, int, int, int]
    keys: tuple[int, int, int, int]
    # Path parameters that are not the usual objects, by name: another object of the walk, or a literal.
    fill: dict[str, str] = field(default_factory=dict)
    # The request: `json`, `data` (a form), `query_string`. `photo` sends a picture.
    send: dict[str, Any] = field(default_factory=dict)
    photo: bool = False


def open_to_all(status: int = 200, **options: Any) -> Route:
    """Nobody has to be known."""
    return Route((status,) * 5, (status,) * 4, **options)


def page(status: int = 200, **options: Any) -> Route:
    """Everybody who is signed in; others are led to the sign-in page. Keys open no page."""
    return Route((302, status, status, status, status), (302,) * 4, **options)


def own_page(status: int = 200, **options: Any) -> Route:
    """The owner and administrators."""
    return Route((302, 404, status, 404, status), (302,) * 4, **options)


def only_own_page(status: int = 200, **options: Any) -> Route:
    """The owner alone."""
    return Route((302, 404, status, 404, 404), (302,) * 4, **options)


def reviewers_page(status: int = 200, **options: Any) -> Route:
    """Reviewers and administrators."""
    return Route((302, 403, 403, status, status), (302,) * 4, **options)


def admins_page(status: int = 200, **options: Any) -> Route:
    """Administrators."""
    return Route((302, 403, 403, 403, status), (302,) * 4, **options)


def classify(status: int, **options: Any) -> Route:
    """Everybody, and keys with `classify`."""
    return Route((401, status, status, status, status), (status, 403, 403, 403), **options)


def classify_own(status: int, **options: Any) -> Route:
    """The owner, administrators, and the owner's keys with `classify`."""
    return Route((401, 404, status, 404, status), (404, 403, 403, 403), **options)


def read(status: int = 200, **options: Any) -> Route:
    """Everybody, and keys with `read`."""
    return Route((401, status, status, status, status), (403, status, 403, 403), **options)


def read_own(status: int = 200, **options: Any) -> Route:
    """The owner, administrators, and the owner's keys with `read`."""
    return Route((401, 404, status, 404, status), (403, 404, 403, 403), **options)


def reviewers_read(status: int = 200, **options: Any) -> Route:
    """Reviewers and administrators, and their keys with `read`."""
    return Route((401, 403, 403, status, status), (403, status, 403, 403), **options)


def train(status: int, **options: Any) -> Route:
    """Administrators, and keys with `train`."""
    return Route((401, 403, 403, 403, status), (403, 403, status, 403), **options)


def admin(status: int = 200, **options: Any) -> Route:
    """Administrators, and keys with `admin`."""
    return Route((401, 403, 403, 403, status), (403, 403, 403, status), **options)


CAUSE = {"kind": "classify", "error_code": "blob_missing"}
PASSWORD = "six unrelated words do well"
MOMENT = "2026-01-01T00:00:00+00:00"

ROUTES: dict[str, Route] = {
    # Open
    "GET /": open_to_all(302),
    "GET /static/<path:filename>": open_to_all(fill={"filename": "css/base.css"}),
    "GET /healthz": open_to_all(),
    "GET /readyz": open_to_all(),
    "GET /metrics": open_to_all(),
    "GET /api/docs": open_to_all(),
    "GET /api/docs/<part>": open_to_all(fill={"part": "photos"}),
    "GET /api/v1/openapi.json": open_to_all(),
    # Signing in and out
    "GET /sign-in": Route((200, 302, 302, 302, 302), (200,) * 4),
    "POST /sign-in": open_to_all(422, send={"data": {"name": "Nobody", "password": PASSWORD}}),
    "POST /sign-in/link": open_to_all(302, send={"data": {"link": "abc"}}),
    "GET /sign-in/<token>": open_to_all(404, fill={"token": "abc"}),
    "POST /sign-in/<token>": open_to_all(404, fill={"token": "abc"}),
    "POST /sign-out": page(302),
    # One's own account
    "GET /account": page(),
    "POST /account/password": page(303, send={"data": {"new_password": PASSWORD, "again": PASSWORD}}),
    "POST /account/sessions/<handle>/end": only_own_page(303),
    "POST /account/sign-out-everywhere": page(303),
    "POST /account/keys": page(send={"data": {"name": "walk", "scopes": "read", "days": "30"}}),
    "POST /account/keys/<key_id>/revoke": only_own_page(303),
    "GET /account/webhooks": page(),
    "POST /account/webhooks": page(422, send={"data": {"url": "nowhere"}}),
    "GET /account/webhooks/<webhook_id>": only_own_page(),
    "POST /account/webhooks/<webhook_id>": only_own_page(303, send={"data": {"active": "no"}}),
    "POST /account/webhooks/<webhook_id>/secret": only_own_page(),
    "POST /account/webhooks/<webhook_id>/test": only_own_page(303),
    "POST /account/webhooks/<webhook_id>/remove": only_own_page(303),
    "POST /account/webhooks/<webhook_id>/replay": only_own_page(303),
    "POST /account/webhooks/<webhook_id>/deliveries/<delivery_id>/replay": only_own_page(303),
    # Selling and jobs
    "GET /home": admins_page(),
    "GET /sell": page(),
    "POST /sell": page(303, photo=True),
    "GET /sell/cards/<job_id>": own_page(),
    "GET /jobs": page(),
    "GET /jobs/<job_id>": own_page(),
    "POST /jobs/<job_id>/cancel": own_page(303),
    "POST /jobs/<job_id>/retry": own_page(303, fill={"job_id": "failed_id"}),
    "POST /jobs/<job_id>/release": admins_page(303, fill={"job_id": "quarantined_id"}),
    "POST /jobs/<job_id>/discard": admins_page(303, fill={"job_id": "failed_id"}),
    "GET /jobs/failures": admins_page(),
    "GET /jobs/failures/retry": admins_page(send={"query_string": CAUSE}),
    "POST /jobs/failures/retry": admins_page(303, send={"query_string": CAUSE, "data": {"until": MOMENT}}),
    "GET /jobs/failures/discard": admins_page(send={"query_string": CAUSE}),
    "POST /jobs/failures/discard": admins_page(303, send={"query_string": CAUSE, "data": {"until": MOMENT}}),
    # Listings
    "GET /listings": page(),
    "GET /listings/export/<kind>": page(fill={"kind": "csv"}),
    "GET /listings/<listing_id>": own_page(),
    "POST /listings/<listing_id>": own_page(303, send={"data": {"title": "walk"}}),
    "POST /listings/<listing_id>/category": own_page(303, send={"data": {"category": "hat"}}),
    "POST /listings/<listing_id>/photos/<photo_id>/remove": own_page(303),
    "POST /listings/<listing_id>/photos/<photo_id>/cover": own_page(303),
    "POST /listings/<listing_id>/remove": own_page(303),
    # Bulk, and one's own data
    "GET /batches": page(),
    "POST /batches": page(303, photo=True),
    "GET /batches/<batch_id>": own_page(),
    "GET /batches/<batch_id>/results.csv": own_page(),
    "GET /batches/<batch_id>/results.jsonl": own_page(),
    "GET /your-data": page(),
    "GET /your-data/export": page(),
    "POST /your-data/delete": page(303),
    "POST /photos/<photo_id>/delete": own_page(303),
    # Versions
    "GET /versions": reviewers_page(),
    "GET /versions/<int:number>": reviewers_page(),
    "GET /versions/<int:number>/champion": admins_page(),
    "POST /versions/<int:number>/champion": admins_page(303, send={"data": {"reason": "walk"}}),
    # Review
    "GET /review": reviewers_page(),
    "POST /review": reviewers_page(422, send={"data": {"label": "hat"}}),
    "POST /review/undo": reviewers_page(303),
    "GET /review/photos/<photo_id>": reviewers_page(),
    "GET /review/photos/<photo_id>/answer": reviewers_page(404),  # nobody has answered it
    "GET /versions/<int:number>/photos": reviewers_page(),
    "GET /versions/<int:number>/photos/<digest>": reviewers_page(404, fill={"digest": "0" * 64}),
    "POST /versions/<int:number>/notes": admins_page(303, send={"data": {"text": "walk"}}),
    "POST /versions/<int:number>/aliases": admins_page(303, send={"data": {"name": "shadow"}}),
    "GET /versions/aliases/<name>": reviewers_page(fill={"name": "champion"}),
    "POST /versions/aliases/<name>/remove": admins_page(409, fill={"name": "champion"}),
    "POST /versions/champion/rollback": admins_page(404),
    "GET /versions/compare": reviewers_page(),
    "POST /versions/compare": admins_page(409, send={"data": {"a": "1", "b": "1"}}),
    "GET /versions/imagenet": reviewers_page(),
    "POST /versions/imagenet": admins_page(303),
    "GET /versions/<int:number>/try": reviewers_page(),
    "POST /versions/<int:number>/try": reviewers_page(303, photo=True),
    "GET /versions/<int:number>/tries/<job_id>": Route((302, 403, 403, 404, 404), (302,) * 4),
    # Trainings and data
    "GET /trainings": admins_page(),
    "GET /trainings/new": admins_page(),
    "POST /trainings/new": admins_page(422),
    "GET /trainings/preview": admins_page(422),
    "GET /trainings/<job_id>": admins_page(fill={"job_id": "training_id"}),
    "GET /trainings/sweeps": admins_page(),
    "GET /trainings/sweeps/new": admins_page(),
    "POST /trainings/sweeps/new": admins_page(422, send={"data": {"strategy": "grid"}}),
    "GET /trainings/sweeps/<job_id>": admins_page(404, fill={"job_id": "training_id"}),
    "GET /data": reviewers_page(),
    "POST /data/versions": admins_page(422),
    "POST /data/examples": admins_page(422),
    "GET /data/<int:number>": reviewers_page(),
    "GET /data/<int:number>/photos": reviewers_page(),
    "POST /data/<int:number>/report": admins_page(303),
    "POST /data/<int:number>/labels": admins_page(404),
    "POST /data/<int:number>/photos/remove": admins_page(404),
    "GET /data/photos/<digest>": reviewers_page(404, fill={"digest": "0" * 64}),
    "GET /data/photos/<digest>/thumbnail": reviewers_page(404, fill={"digest": "0" * 64}),
    # People
    "GET /people": admins_page(),
    "POST /people": admins_page(422, send={"data": {"name": "", "role": "seller"}}),
    "GET /people/<user_id>": admins_page(),
    "POST /people/<user_id>/role": admins_page(303, send={"data": {"role": "reviewer"}}),
    "POST /people/<user_id>/disable": admins_page(303),
    "POST /people/<user_id>/enable": admins_page(303),
    "POST /people/<user_id>/link": admins_page(),
    "GET /people/keys": admins_page(),
    "POST /people/keys/<key_id>/revoke": admins_page(303),
    "GET /people/audit": admins_page(),
    "GET /people/audit.jsonl": admins_page(),
    # API: photos and jobs
    "POST /api/v1/classifications": classify(202, photo=True),
    "GET /api/v1/photos/<photo_id>": read_own(),
    "GET /api/v1/photos/<photo_id>/thumbnail": read_own(),
    "DELETE /api/v1/photos/<photo_id>": classify_own(204),
    "POST /api/v1/batches": classify(202, photo=True),
    "GET /api/v1/batches": read(),
    "GET /api/v1/batches/<batch_id>": read_own(),
    "GET /api/v1/batches/<batch_id>/results": read_own(),
    "GET /api/v1/account/data": read(),
    "DELETE /api/v1/account/data": classify(200),
    "GET /api/v1/jobs": read(),
    "GET /api/v1/jobs/<job_id>": read_own(),
    "GET /api/v1/jobs/<job_id>/why": read_own(fill={"job_id": "answered_id"}),
    "GET /api/v1/jobs/<job_id>/events": read_own(fill={"job_id": "failed_id"}),
    "GET /api/v1/jobs/<job_id>/log": Route((401, 403, 403, 403, 200), (403, 403, 404, 403)),
    "POST /api/v1/jobs/<job_id>/cancel": classify_own(202),
    "POST /api/v1/jobs/<job_id>/retry": classify_own(202, fill={"job_id": "failed_id"}),
    "POST /api/v1/jobs/<job_id>/discard": admin(fill={"job_id": "failed_id"}),
    "POST /api/v1/jobs/<job_id>/release": admin(202, fill={"job_id": "quarantined_id"}),
    "GET /api/v1/jobs/failures": admin(),
    "POST /api/v1/jobs/failures/retry": admin(202, send={"json": CAUSE}),
    "POST /api/v1/jobs/failures/discard": admin(send={"json": CAUSE}),
    "GET /api/v1/queues": admin(),
    "GET /api/v1/overview": admin(),
    # API: listings
    "POST /api/v1/listings": classify(201, send={"json": {}}),
    "GET /api/v1/listings": read(),
    "GET /api/v1/listings/<listing_id>": read_own(),
    "PATCH /api/v1/listings/<listing_id>": classify_own(200, send={"json": {"title": "walk"}}),
    "DELETE /api/v1/listings/<listing_id>": classify_own(204),
    "DELETE /api/v1/listings/<listing_id>/photos/<photo_id>": classify_own(204),
    "PUT /api/v1/listings/<listing_id>/cover": classify_own(200, send={"json": {"photo_id": "photo_id"}}),
    "PUT /api/v1/listings/<listing_id>/category": classify_own(
        200, send={"json": {"category": "hat"}, "headers": {"If-Match": "*"}}
    ),
    # API: webhooks
    "POST /api/v1/webhooks": classify(422, send={"json": {"url": "nowhere", "events": ["job.failed"]}}),
    "GET /api/v1/webhooks": read(),
    "GET /api/v1/webhooks/<webhook_id>": read_own(),
    "PATCH /api/v1/webhooks/<webhook_id>": classify_own(200, send={"json": {"active": False}}),
    "DELETE /api/v1/webhooks/<webhook_id>": classify_own(204),
    "POST /api/v1/webhooks/<webhook_id>/secret": classify_own(200),
    "POST /api/v1/webhooks/<webhook_id>/test": classify_own(202),
    "GET /api/v1/webhooks/<webhook_id>/deliveries": read_own(),
    "POST /api/v1/webhooks/<webhook_id>/deliveries/<delivery_id>/replay": classify_own(202),
    "POST /api/v1/webhooks/<webhook_id>/replay": classify_own(202, send={"json": {}}),
    # API: trainings, datasets, versions. Sellers see which version answers, how good it is and its categories
    # (without its lineage); data, notes and names of people are for reviewers.
    "POST /api/v1/trainings": train(202, send={"json": {}}),
    "GET /api/v1/trainings/<job_id>": read_own(fill={"job_id": "training_id"}),
    "GET /api/v1/trainings/<job_id>/metrics": read_own(fill={"job_id": "training_id"}),
    "POST /api/v1/trainings/forecast": train(200, send={"json": {}}),
    "POST /api/v1/trainings/preview": train(404, send={"json": {}}),
    "POST /api/v1/sweeps": train(422, send={"json": {}}),
    "GET /api/v1/sweeps/<job_id>": read_own(fill={"job_id": "sweep_id"}),
    "GET /api/v1/datasets": reviewers_read(),
    "GET /api/v1/datasets/versions/<int:number>": reviewers_read(),
    "GET /api/v1/models": read(),
    "GET /api/v1/models/<int:number>": read(),
    "GET /api/v1/models/<int:number>/head": train(200),
    "GET /api/v1/models/<int:number>/layers": train(404),  # only fine-tuned versions have some
    "PUT /api/v1/aliases/champion": admin(send={"json": {"version": 1, "reason": "walk"}}),
    "GET /api/v1/models/<int:number>/evaluation": reviewers_read(),
    "GET /api/v1/models/<int:number>/gate": reviewers_read(),
    "GET /api/v1/models/<int:number>/notes": reviewers_read(),
    "POST /api/v1/models/<int:number>/notes": train(201, send={"json": {"text": "walk"}}),
    "GET /api/v1/models/compare": reviewers_read(404, send={"query_string": {"a": 1, "b": 1}}),
    "GET /api/v1/models/compare/live": reviewers_read(send={"query_string": {"a": 1, "b": 1}}),
    "POST /api/v1/models/compare": train(409, send={"json": {"a": 1, "b": 1}}),
    "POST /api/v1/models/imagenet": train(202),
    # Reviewers judge versions; sellers do not, nor do their keys.
    "POST /api/v1/models/<int:number>/tries": Route(
        (401, 403, 403, 202, 202), (202, 403, 403, 403), photo=True
    ),
    "GET /api/v1/aliases": read(),
    "GET /api/v1/aliases/<name>/history": reviewers_read(fill={"name": "champion"}),
    "PUT /api/v1/aliases/<name>": admin(
        fill={"name": "shadow"}, send={"json": {"version": 1, "reason": "walk"}}
    ),
    "DELETE /api/v1/aliases/<name>": admin(
        409, fill={"name": "champion"}, send={"query_string": {"reason": "walk"}}
    ),
    "POST /api/v1/aliases/champion/rollback": admin(404, send={"json": {"reason": "walk"}}),
    "POST /api/v1/datasets/versions": train(422),
    "POST /api/v1/datasets/examples": train(200, send={"data": b"photo,label\n", "content_type": "text/csv"}),
    "GET /api/v1/datasets/versions/<int:number>/report": reviewers_read(),
    "POST /api/v1/datasets/versions/<int:number>/report": train(202),
    # API: people, keys, audit
    "GET /api/v1/users": admin(),
    "POST /api/v1/users": admin(422, send={"json": {"name": "", "role": "seller"}}),
    "GET /api/v1/users/<user_id>": admin(),
    "PATCH /api/v1/users/<user_id>": admin(send={"json": {"disabled": True}}),
    "POST /api/v1/users/<user_id>/sign-in-links": admin(201),
    "GET /api/v1/keys": read(),
    # A key neither makes nor revokes keys, unless it may administrate as well as read.
    "POST /api/v1/keys": Route(
        (401, 201, 201, 201, 201), (403,) * 4, send={"json": {"name": "walk", "scopes": ["read"]}}
    ),
    "DELETE /api/v1/keys/<key_id>": Route((401, 404, 200, 404, 200), (403,) * 4),
    "GET /api/v1/audit-events": admin(),
}
