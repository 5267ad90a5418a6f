# SPDX-License-Identifier: MIT
"""A page of Django's, from its router to its templates: a table of fifty rows."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.template import engines
from django.urls import path

PAGE = """<!DOCTYPE html><title>{{ title }}</title><table>
{% for row in rows %}<tr><td>{{ row.number }}<td>{{ row.name|upper }}<td>{{ row.price|floatformat:2 }}
{% endfor %}</table>"""
ROWS = [{"number": n, "name": f"article <{n}>", "price": n * 1.25} for n in range(50)]

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="of a benchmark",
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()
TEMPLATE = engines["django"].from_string(PAGE)


def page(request):
    return HttpResponse(TEMPLATE.render({"title": "Articles", "rows": ROWS}))


urlpatterns = [path("", page)]
application = get_wsgi_application()
