"""All settings in one file. Every value has a default that works; a wrong one fails at start.

The environment decides (see README, "Settings"). HUIPING_MODE=demo (default) runs on embedded
defaults with demo shops and logins; HUIPING_MODE=production refuses demo secrets and demo users.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from environs import Env

django_stubs_ext.monkeypatch()  # generic classes of Django may be written with their types
env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("HUIPING_VAR", str(BASE_DIR / "var")))

MODE: str = env.str("HUIPING_MODE", "demo")
if MODE not in ("demo", "production"):
    raise ImproperlyConfigured(f"HUIPING_MODE is {MODE!r}; it can be 'demo' or 'production'.")
PRODUCTION = MODE == "production"
DEBUG: bool = env.bool("DEBUG", False)

# --- secrets -----------------------------------------------------------------------------------
DEMO_SECRET_KEY = "demo-only-secret-key-that-production-refuses-0123456789-abcdefghij"  # noqa: S105
DEMO_PASSWORD = "huiping-demo"  # noqa: S105  printed at every start of the demo; production refuses its users
DEMO_PERSONAL_DATA_KEY = "ZGVtby1vbmx5LWtleS10aGF0LXByb2R1Y3Rpb24tbm8="
SECRET_KEY: str = env.str("SECRET_KEY", DEMO_SECRET_KEY)
# Fernet keys for phone, name and address; the first encrypts, all decrypt (rotation).
PERSONAL_DATA_KEYS: list[str] = env.list("PERSONAL_DATA_KEYS", [DEMO_PERSONAL_DATA_KEY])
# Key of the blind index that finds equal phone numbers (do-not-call); it must outlive key rotation.
PHONE_INDEX_KEY: str = env.str("PHONE_INDEX_KEY", DEMO_SECRET_KEY)
if PRODUCTION and SECRET_KEY == DEMO_SECRET_KEY:
    raise ImproperlyConfigured("Production needs a SECRET_KEY of its own (50 random characters or more).")
if PRODUCTION and DEMO_PERSONAL_DATA_KEY in PERSONAL_DATA_KEYS:
    raise ImproperlyConfigured(
        "Production needs PERSONAL_DATA_KEYS of its own: "
        'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
    )
if PRODUCTION and PHONE_INDEX_KEY == DEMO_SECRET_KEY:
    raise ImproperlyConfigured(
        "Production needs a PHONE_INDEX_KEY of its own (50 random characters or more)."
    )
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG cannot be on in production.")

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", [] if PRODUCTION else ["*"])
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("Production needs ALLOWED_HOSTS, e.g. ALLOWED_HOSTS=desk.example.cn")
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

# --- applications ------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "django_filters",
    "simple_history",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "reviews",
    "callbacks",
]
MIDDLEWARE = [
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "reviews.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
ROOT_URLCONF = "config.urls"
FORM_RENDERER = "config.jinja.FormRenderer"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "reviews.context_processors.nav",
            ],
            "builtins": ["reviews.templatetags.jinja"],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "jinja"],
        "OPTIONS": {
            "environment": "config.jinja.environment",
            "context_processors": [
                "reviews.context_processors.csrf",
                "django.contrib.messages.context_processors.messages",
                "reviews.context_processors.nav",
            ],
        },
    },
]

# --- database ----------------------------------------------------------------------------------
PREPARED_STATEMENTS = env.bool("PREPARED_STATEMENTS", True)
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.dj_db_url("DATABASE_URL", f"sqlite:///{VAR_DIR / 'huiping.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        {
            # IMMEDIATE: a writer waits for its turn instead of failing half-way through.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                "PRAGMA busy_timeout=30000; PRAGMA cache_size=-32000;"
            ),
        }
    )
else:
    # Seconds; the address alone says 0, a new connection for every request: it cost more than the request.
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", 60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    if PREPARED_STATEMENTS:
        # Only those that reviews/plain_sql.py names, none by itself; and one plan serves all values.
        DATABASES["default"].setdefault("OPTIONS", {}).update(
            {"prepare_threshold": 2**31, "options": "-c plan_cache_mode=force_generic_plan"}
        )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "reviews.User"
AUTHENTICATION_BACKENDS = ["reviews.signed_in.Backend"]
SESSION_ENGINE = "reviews.signed_in"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# --- language and time -------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", "Asia/Shanghai")
USE_THOUSAND_SEPARATOR = True

# --- static files ------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_MAX_AGE = 3600 if PRODUCTION else 0
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# Pictures of proof: outside the static files and served by a view that asks who may see the case.
MEDIA_ROOT = VAR_DIR / "media"
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024  # a file of 20 MB plus the form around it
FILE_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024

# --- security ----------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": [],
    "geolocation": [],
    "microphone": [],
    "payment": [],
    "usb": [],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
SESSION_COOKIE_SAMESITE = "Lax"
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz/$"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    if env.bool("BEHIND_PROXY", False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- e-mail: texts to buyers where a shop sends by its own mail server -----------------------------
EMAIL_HOST: str = env.str("EMAIL_HOST", "")
EMAIL_PORT: int = env.int("EMAIL_PORT", 587)
EMAIL_HOST_USER: str = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD: str = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS: bool = env.bool("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", "huiping@localhost")

# --- Celery: the engine ------------------------------------------------------------------------
_redis_url_file = VAR_DIR / "run" / "redis_url"  # written by `manage.py run` for its embedded server
REDIS_URL: str = env.str(
    "REDIS_URL",
    _redis_url_file.read_text().strip() if _redis_url_file.exists() else "redis://127.0.0.1:6379/0",
)
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 240  # below the visibility timeout, or a slow task would run twice
CELERY_TASK_SOFT_TIME_LIMIT = 200
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    # Publishing gives up after two quick tries: the row is in the database, a sweep finds it.
    "max_retries": 2,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1}
CELERY_TIMEZONE = TIME_ZONE
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_ROUTES = {
    "reviews.tasks.measure_upset": {"queue": "sentiment"},
    "reviews.tasks.read_reviews_again": {"queue": "reading"},
    # A text leaves within seconds: it never waits behind a file or an act on thousands of cases.
    "callbacks.tasks.send_texts": {"queue": "texts"},
    "callbacks.tasks.ask_for_receipts": {"queue": "texts"},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "run" / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    # A beat that nobody heard in time is dropped: the next one does the same.
    "sweep": {"task": "reviews.tasks.sweep", "schedule": 15.0, "options": {"expires": 15}},
    # Each shop learns once a night of its own zone; every five minutes it is asked whose turn it is.
    "learn": {"task": "reviews.tasks.learn", "schedule": 300.0, "options": {"expires": 300}},
    "sweep-evidence": {
        "task": "callbacks.tasks.sweep_evidence",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "sweep-bulk": {"task": "callbacks.tasks.sweep_bulk", "schedule": 15.0, "options": {"expires": 15}},
    "forget-acts": {
        "task": "callbacks.tasks.forget_acts",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "cover-absences": {
        "task": "callbacks.tasks.cover_absences",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "sweep-leases": {
        "task": "callbacks.tasks.sweep_leases",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "send-texts": {"task": "callbacks.tasks.send_texts", "schedule": 3.0, "options": {"expires": 3}},
    "ask-for-receipts": {
        "task": "callbacks.tasks.ask_for_receipts",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "watch-drift": {
        "task": "reviews.tasks.watch_drift",
        "schedule": 6 * 3600.0,
        "options": {"expires": 3600},
    },
    "watch-incidents": {
        "task": "reviews.tasks.watch_incidents",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "tidy": {"task": "reviews.tasks.tidy", "schedule": 6 * 3600.0, "options": {"expires": 3600}},
    "sweep-second-reading": {
        "task": "reviews.tasks.read_reviews_again",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "sweep-texts": {"task": "reviews.tasks.index_texts", "schedule": 60.0, "options": {"expires": 60}},
    "sweep-upset": {"task": "reviews.tasks.measure_upset", "schedule": 60.0, "options": {"expires": 60}},
}

# --- API ---------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "reviews.api.authentication.ShopKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["reviews.api.authentication.KeyOrStaff"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["reviews.api.parsing.ShallowJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "reviews.api.parsing.JsonAnyway",
    "DEFAULT_FILTER_BACKENDS": ["reviews.api.filters.StrictFilters"],
    "DEFAULT_PAGINATION_CLASS": "reviews.api.paging.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "reviews.api.errors.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Huiping API",
    "DESCRIPTION": (
        "Orders and reviews in; cases and statistics out.\n\n"
        "A key belongs to one shop; everything is that shop's. Times are ISO 8601; one without a zone is "
        "the shop's. Unknown fields and parameters are refused. 2xx means committed: what was answered so "
        "is stored, and sending it again changes nothing. Errors are problem details (RFC 9457) in the "
        "language of Accept-Language, Chinese by default."
    ),
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "RatingEnum": "reviews.models.reviews.Rating.choices",
        "CauseEnum": "reviews.causes.Cause.choices",
        "SubCauseEnum": "reviews.causes.SubCause.choices",
        "CaseStatusEnum": "reviews.models.cases.Status.choices",
        "OutcomeEnum": "reviews.models.cases.Outcome.choices",
        "TakenEnum": "reviews.api.shapes.TAKEN",
        "RowStatusEnum": "reviews.api.shapes.ROW_STATUSES",
    },
}

# --- the trade ---------------------------------------------------------------------------------
REVIEW_BATCH_LIMIT = 500  # rows a POST may carry
CLASSIFY_BATCH: int = env.int("CLASSIFY_BATCH", 200)  # rows a worker claims at once
# After this a lost worker's rows are free again.
CLASSIFY_LEASE = timedelta(seconds=env.int("CLASSIFY_LEASE_SECONDS", 20))
READ_AGAIN_BATCH: int = env.int("READ_AGAIN_BATCH", 32)  # rows the second reader claims at once
READ_AGAIN_LEASE = timedelta(seconds=env.int("READ_AGAIN_LEASE_SECONDS", 60))
CLASSIFY_ATTEMPTS = 5  # then the row is parked for a manager

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"httpx": {"level": "WARNING"}},  # it names every address it calls
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
}
SILENCED_SYSTEM_CHECKS: list[str] = []
