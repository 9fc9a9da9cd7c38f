"""Which settings does Django run with? All of them come from the environment.

HEADGATE_DATA: the data folder, by default `.headgate`. HEADGATE_DATABASE_URL: empty for SQLite
in the data folder, or `postgresql://user:password@host:port/name`. HEADGATE_PUBLIC_URL: where
browsers reach us. docs/settings.md lists them all.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from headgate.store.environment import (
    data_folder,
    database_url,
    public_url,
    sign_in_providers,
    signs_up,
)

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

WEB = Path(__file__).parents[1] / "web"

DEBUG = False
SECRET_KEY = _secret_key(HEADGATE_DATA)
ALLOWED_HOSTS = ["*"]  # the sites' middleware checks it; no mail has a link made of it
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [str(WEB / "locale")]
ROOT_URLCONF = "headgate.web.urls"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "headgate.store.apps.StoreConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",  # for the list of passkeys, a template of allauth
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_htmx",
]
# Of the pages alone; `headgate.web.envelope` does for every answer what others would do
MIDDLEWARE = [
    "headgate.web.site.protection.Protection",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "headgate.web.site.signed_in.SignedIn",
]
DATABASES = {"default": _database(HEADGATE_DATABASE_URL, HEADGATE_DATA)}
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [str(WEB / "templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "autoescape": True,
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "headgate.web.site.context.page",
            ],
            "builtins": ["django.templatetags.i18n", "headgate.web.site.tags"],
            "libraries": {"headgate_reference": "headgate.web.portal.reference_tags"},
        },
    }
]
LOGGING_CONFIG = None  # each process sets up its own structured log
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024  # bytes of one request body: segments, documents
SILENCED_SYSTEM_CHECKS: list[str] = []

# Pages: people, their sessions, and what the pages are made of
AUTH_USER_MODEL = "store.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
_IS_SECURE = public_url().startswith("https://")
_PREFIX = "__Host-" if _IS_SECURE else ""
SESSION_ENGINE = "headgate.store.sessions"
SESSION_COOKIE_NAME = f"{_PREFIX}headgate_session"
SESSION_COOKIE_AGE = 14 * 86_400
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _IS_SECURE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = f"{_PREFIX}headgate_csrf"
CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "headgate.web.site.failures.csrf"
CSRF_TRUSTED_ORIGINS = [public_url()] if public_url() else []
LANGUAGE_COOKIE_NAME = "headgate_language"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CACHES = {"default": {"BACKEND": "headgate.store.tries.Tries"}}  # allauth's limits, nothing else
STATIC_URL = "/static/"
STATICFILES_DIRS = [str(WEB / "static")]
STORAGES = {"staticfiles": {"BACKEND": "headgate.web.site.assets.HashedStorage"}}

ACCOUNT_ADAPTER = "headgate.web.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True  # a code in the mail: no secret in an address
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 2
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_RATE_LIMITS = {  # per address (ip), per person, or per mail address (key)
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",  # wrong passwords, wrong second factors
    "signup": "20/m/ip",
    "reset_password": "20/m/ip,5/m/key",  # codes that are mailed
    "reset_password_from_key": "20/m/ip",  # codes that are typed
    "confirm_email": "1/10s/key",
    "request_login_code": "20/m/ip,3/m/key",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
}
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "headgate.web.accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Headgate"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _IS_SECURE  # localhost, as browsers allow it
SOCIALACCOUNT_ADAPTER = "headgate.web.accounts.adapter.SocialAccountAdapter"
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {"APPS": sign_in_providers(), "OAUTH_PKCE_ENABLED": True}
}
HEADGATE_SIGN_UP = signs_up()
