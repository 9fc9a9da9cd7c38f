"""Which settings does Django run with? All of them come from the environment.

HEADGATE_DATA: the data folder, by default `.headgate`. HEADGATE_DATABASE_URL: empty for SQLite
in the data folder, or `postgresql://user:password@host:port/name`.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from headgate.store.environment import data_folder, database_url

SQLITE_BUSY_SECONDS = 20.0  # how long a writer waits for another one before it gives up
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"  # an answered change survives a power cut
    "PRAGMA wal_autocheckpoint=4000;"
    "PRAGMA cache_size=-16000;"
)


def _database(url: str, data: Path) -> dict[str, Any]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(data / "headgate.db"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",  # a transaction never fails half-way for a lock
                "timeout": SQLITE_BUSY_SECONDS,
                "init_command": SQLITE_PRAGMAS,
            },
        }
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": options.pop("port", str(parts.port or "")),
        "CONN_MAX_AGE": None,  # threads keep their connection
        "CONN_HEALTH_CHECKS": True,  # and notice when the server has closed it
        "OPTIONS": options,
    }


def _secret_key(data: Path) -> str:
    """The text of `secret.key`; empty before `headgate.store.setup` has made it."""
    try:
        return (data / "secret.key").read_text(encoding="ascii").strip()
    except OSError:
        return ""


HEADGATE_DATA = data_folder()
HEADGATE_DATABASE_URL = database_url()

DEBUG = False
SECRET_KEY = _secret_key(HEADGATE_DATA)
ALLOWED_HOSTS = ["*"]  # nothing is built from the Host field, and no browser sends our tokens
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
ROOT_URLCONF = "headgate.web.urls"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["headgate.store.apps.StoreConfig"]
MIDDLEWARE: list[str] = []  # headgate.web.envelope does for every answer what they would do
DATABASES = {"default": _database(HEADGATE_DATABASE_URL, HEADGATE_DATA)}
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [str(Path(__file__).parents[1] / "web" / "templates")],
        "APP_DIRS": False,
        "OPTIONS": {"autoescape": True},
    }
]
LOGGING_CONFIG = None  # each process sets up its own structured log
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024  # bytes of one request body: segments, documents
SILENCED_SYSTEM_CHECKS: list[str] = []
