# SPDX-License-Identifier: MIT
"""What `spawn django_site.wsgi.application` serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_site.settings")
application = get_wsgi_application()
