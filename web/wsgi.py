"""Server entry: `gunicorn web.wsgi:app`."""

import structlog
from sqlalchemy.exc import DBAPIError

from shared.errors import HangtagError
from shared.log_context import configure_logging
from shared.settings import load_settings
from shared.settings_log import note_settings
from web.app import create_app
from web.services import EXTENSION

settings = load_settings()
configure_logging(settings)
app = create_app(settings)
try:
    with app.extensions[EXTENSION].database.write() as session:
        note_settings(session, settings)
except (HangtagError, DBAPIError) as error:  # the server is of use without it, and says itself what is wrong
    structlog.get_logger(__name__).warning("settings_not_noted", error=repr(error))
