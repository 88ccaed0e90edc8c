"""What the environment makes of the settings, read as a process of its own reads them."""

import json
import os
import subprocess
import sys

import pytest

from marketplace.runtime.paths import REPOSITORY


def setting(name: str, **environment: str) -> str:
    """The setting as text; what was said where the settings refuse to load."""
    code = f"from marketplace import settings; print(settings.{name})"
    kept = {key: value for key, value in os.environ.items() if key != "STATIC_HASHED"}
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "DEMO": "0", **environment},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or told.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "Manifest"),
        ({"DEBUG": "1"}, "staticfiles.storage.StaticFilesStorage"),
        ({"STATIC_HASHED": "0"}, "staticfiles.storage.StaticFilesStorage"),
    ],
)
def test_names_of_static_files_have_a_hash_unless_the_environment_says_otherwise(environment, expected):
    assert expected in setting("STORAGES['staticfiles']['BACKEND']", **environment)


def test_mail_is_not_written_to_the_log_of_a_public_marketplace():
    public = {"PUBLIC_URL": "https://marketplace.example"}
    assert "EMAIL_URL is not set" in setting("EMAIL_BACKEND", **public)
    assert "smtp" in setting("EMAIL_BACKEND", EMAIL_URL="smtp://mail.example", **public)
    assert "console" in setting("EMAIL_BACKEND")


LOGS = """
import django, json, logging
django.setup()
def sign_in(password):
    1 / 0
try:
    sign_in("swordfish")
except ZeroDivisionError:
    logging.getLogger("django.request").exception("it broke")
"""


@pytest.mark.parametrize("as_json", ["0", "1"])
def test_a_logged_fault_has_its_traceback_and_no_values_of_variables(as_json):
    told = subprocess.run(
        [sys.executable, "-c", LOGS],
        env={**os.environ, "LOG_JSON": as_json, "DJANGO_SETTINGS_MODULE": "marketplace.settings"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    trace = json.loads(told)["exception"] if as_json == "1" else told
    assert "Traceback (most recent call last)" in trace and "in sign_in" in trace
    assert "ZeroDivisionError" in trace
    assert "password =" not in told and "'swordfish'" not in told.replace('sign_in("swordfish")', "")
