#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL and REDIS_URL it works on the embedded servers."""

import os
import sys

from marketplace.runtime.bootstrap import ensure_services


def main() -> None:
    """Sees to the servers, then hands over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    ensure_services(sys.argv)

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
