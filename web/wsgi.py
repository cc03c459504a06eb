"""Server entry: `gunicorn web.wsgi:app`."""

from shared.log_context import configure_logging
from shared.settings import load_settings
from web.app import create_app

settings = load_settings()
configure_logging(settings)
app = create_app(settings)
