"""All settings, from the environment only (see docs/settings.md). Nothing here touches the network."""

from pathlib import Path
from typing import Any

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from marketplace import env
from marketplace.accounts import keys

BASE_DIR = Path(__file__).resolve().parent.parent

DEMO = env.flag("DEMO", False, "Loads the demo mesh, its accounts and the permission to call its gateways on loopback.")
DEBUG = env.flag("DEBUG", False, "Django's debug pages. Never on a machine that others reach.")

SECRET_KEY = env.text(
    "SECRET_KEY", "", "Signs sessions and forms; at least 32 characters, kept secret, the same on every process."
)
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured(
        "SECRET_KEY is missing or shorter than 32 characters. Set it, for example to the output of "
        "`python -c 'import secrets; print(secrets.token_urlsafe(50))'`."
    )

ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", "Host names the marketplace answers to, comma-separated."
)
PUBLIC_URL = env.text(
    "PUBLIC_URL",
    "http://127.0.0.1:8000",
    "Address under which people reach the marketplace; https:// turns on secure cookies and HSTS.",
).rstrip("/")
TRUSTED_PROXIES = env.number(
    "TRUSTED_PROXIES", 0, "How many proxies stand in front, each of which appends to X-Forwarded-For."
)
if TRUSTED_PROXIES < 0:
    raise ImproperlyConfigured(f"TRUSTED_PROXIES is {TRUSTED_PROXIES}; it must be 0 or more.")
METRICS_NETWORKS = env.networks(
    "METRICS_NETWORKS",
    "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7",
    "Networks from which /metrics may be read.",
)
SECURE = PUBLIC_URL.startswith("https://")
if DEMO and SECURE:
    raise ImproperlyConfigured("DEMO is on, whose passwords are public, and PUBLIC_URL is https. Turn DEMO off.")

DATABASE_URL = env.text(
    "DATABASE_URL", "", "PostgreSQL 15 or newer with the pgvector extension; absent: the embedded server."
)
REDIS_URL = env.text(
    "REDIS_URL", "", "Redis 7 or Valkey 8 and newer (redis:// or unix://); absent: the embedded server."
)
for name, value in (("DATABASE_URL", DATABASE_URL), ("REDIS_URL", REDIS_URL)):
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. Set it to your server, or start through `make run` or `python manage.py`, "
            "which bring an embedded one."
        )

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "django_htmx",
    "csp",
    "django_prometheus",
    "marketplace.accounts",
    "registry",
    "search",
    "marketplace.live",
    "marketplace.measure",
    "marketplace.notices",
    "marketplace.trust",
    "marketplace.exports",
    "marketplace.catalogue",
    "marketplace.publishing",
    "marketplace.dashboards",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketplace.notices.contexts.header",
            ],
            "builtins": ["marketplace.catalogue.templatetags.pieces"],
        },
    }
]

# Data

DATABASES = {"default": env.database(DATABASE_URL)}
_pool_size = env.number(
    "DATABASE_POOL_SIZE", 10, "PostgreSQL connections one process keeps at most; 0 opens one per request."
)
_options: dict[str, object] = DATABASES["default"]["OPTIONS"]  # type: ignore[assignment] # env.database made it a dict
if _pool_size:
    _options["pool"] = {"min_size": 1, "max_size": _pool_size, "timeout": 5}
CACHES = {
    "default": {
        "BACKEND": "marketplace.counters.Counters",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "counters",
        "OPTIONS": {"socket_connect_timeout": 0.3, "socket_timeout": 0.4},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# People

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "marketplace.accounts.backends.Backend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_ADAPTER = "marketplace.accounts.adapter.AccountAdapter"
ACCOUNT_RATE_LIMITS = {"login_failed": "20/m/ip,10/5m/key"}
DEMO_ACCOUNT_NETWORKS = env.networks(
    "DEMO_ACCOUNT_NETWORKS", "127.0.0.0/8,::1/128", "Where one may sign in from with a demo account, while DEMO is on."
)
OPEN_SIGNUP = env.flag("OPEN_SIGNUP", True, "Whether visitors may create their own account.")

SIGNING_KEYS = keys.parse(
    env.text("SIGNING_KEY", "", "Ed25519 private keys: the first signs grants, gateways get the public halves of all.")
)

EMAIL_URL = env.text(
    "EMAIL_URL",
    "",
    "SMTP server for outgoing mail, smtp://user:password@host:587?tls=1; absent: mail is written to the log.",
)
if SECURE and not EMAIL_URL:
    raise ImproperlyConfigured(
        "EMAIL_URL is not set and PUBLIC_URL is https: links that reset passwords would be written to the log. "
        "Set EMAIL_URL to your mail server, like smtp://user:password@host:587?tls=1."
    )
_mail = env.email(EMAIL_URL)
EMAIL_BACKEND = _mail["backend"]
EMAIL_HOST, EMAIL_PORT = _mail["host"], _mail["port"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["user"], _mail["password"]
EMAIL_USE_TLS = _mail["tls"]
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "Data Mesh Marketplace <marketplace@localhost>", "Sender of outgoing mail.")

# Pages

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(
    env.text(
        "STATIC_ROOT", str(BASE_DIR / "staticfiles"), "Where collectstatic puts the files that the web process serves."
    )
)
STATIC_HASHED = env.flag(
    "STATIC_HASHED", not DEBUG, "Whether files are served under names with a hash, which collectstatic makes."
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_HASHED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# A form carries at most a title, a summary and a few links.
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
FILE_UPLOAD_HANDLERS = ["marketplace.uploads.SmallFiles"]
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True

# API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "marketplace.accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["marketplace.api.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "marketplace.api.Pagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "marketplace.api.problem",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105 # a model, not a token
MIGRATION_MODULES = {"knox": None}  # they would make a table for its own model, beside ours
# Tokens that begin alike are found by scanners where they were published by mistake.
REST_KNOX = {"TOKEN_PREFIX": "dmm_"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Data Mesh Marketplace",
    "DESCRIPTION": "Find, understand and publish data products. The registry keeps a summary and links; "
    "the live view is asked of each product's own gateway.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    # Fields of one name whose values differ: what each set of values is called.
    "ENUM_NAME_OVERRIDES": {
        "ChangeLevelEnum": ["patch", "minor", "major"],
        "ChecklistLevelEnum": ["advised", "mandatory", "blocking"],
        "FindingStateEnum": ["met", "missing", "unknown"],
    },
}

# Background work

CELERY_BROKER_URL = env.celery_broker(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,  # alike with the time limit below: a longer task would be run twice
    "socket_connect_timeout": 1,  # a page that enqueues work never waits long for a lost broker
    "socket_timeout": 1,  # workers wait longer (marketplace.celery)
    "max_retries": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"live.*": {"queue": "live"}, "search.embed*": {"queue": "embed"}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "deliver-events": {"task": "registry.deliver_all", "schedule": 20.0, "options": {"expires": 15}},
    "clean-accounts": {"task": "accounts.clean", "schedule": 86_400.0},
    "forget-undo": {"task": "registry.forget", "schedule": 600.0, "options": {"expires": 300}},
    "match-new-products": {"task": "notices.match", "schedule": 60.0, "options": {"expires": 50}},
    "resume-catalogues": {"task": "publishing.resume", "schedule": 60.0, "options": {"expires": 50}},
    "clean-inboxes": {"task": "notices.clean", "schedule": 86_400.0},
    "count-what-was-seen": {"task": "measure.flush", "schedule": 10.0, "options": {"expires": 8}},
    "forget-what-was-seen": {"task": "measure.forget", "schedule": 86_400.0},
    "learn-words": {"task": "search.learn_words", "schedule": 20.0, "options": {"expires": 15}},
    "embed-missing": {"task": "search.embed_missing", "schedule": 60.0, "options": {"expires": 50}},
}

# The window

GATEWAY_ALLOWED_NETWORKS = env.networks(
    "GATEWAY_ALLOWED_NETWORKS",
    "",
    "Internal networks that gateways may be called on, like 10.1.0.0/16; everything else internal is refused.",
) + (env.DEMO_NETWORKS if DEMO else [])
DEMO_GATEWAY_PORT = env.number("DEMO_GATEWAY_PORT", 8100, "First port of the demo's gateways on 127.0.0.1.")

# Measurement

MEASURE = env.flag("MEASURE", True, "Whether views, searches and clicks are counted for producers.")
MEASURE_SEARCH_DAYS = env.number("MEASURE_SEARCH_DAYS", 90, "Days that a question people asked is kept; 1 or more.")
MEASURE_DAYS = env.number("MEASURE_DAYS", 400, "Days that counts by product and day are kept; 1 or more.")
for name, days in (("MEASURE_SEARCH_DAYS", MEASURE_SEARCH_DAYS), ("MEASURE_DAYS", MEASURE_DAYS)):
    if days < 1:
        raise ImproperlyConfigured(f"{name} is {days}; it must be 1 or more. MEASURE=0 turns counting off.")

# Meaning

EMBEDDING_MODEL = env.text(
    "EMBEDDING_MODEL",
    "packaged",
    "`packaged` (all-MiniLM-L6-v2), or any sentence-transformers model of 384 dimensions: a folder or a hub name; "
    "`hashing` is for tests.",
)

# Logs

LOG_LEVEL = env.text("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.").upper()
LOG_JSON = env.flag("LOG_JSON", False, "One JSON document a line instead of readable lines.")
_shared: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(
                    [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
                    if LOG_JSON
                    # The default traceback shows the values of variables: passwords, tokens, what people typed.
                    else [
                        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
                    ]
                ),
            ],
            "foreign_pre_chain": _shared,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},  # else a line for every sweep
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "sentence_transformers": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[*_shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
