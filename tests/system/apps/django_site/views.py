# SPDX-License-Identifier: MIT
"""What the tests ask for."""

import hashlib
import threading

from django.db import connection
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from gated_blocks import gated_blocks

FORM = """<form method="post">{% csrf_token %}<input name="text"></form>{{ text }}"""


def form(request):
    template = engines["django"].from_string(FORM)
    return HttpResponse(template.render({"text": request.POST.get("text", "")}, request))


def upload(request):
    if request.method == "GET":
        return form(request)
    file = request.FILES["file"]
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return JsonResponse({"name": file.name, "size": file.size, "sha256": digest.hexdigest()})


def stream(request):
    return StreamingHttpResponse(gated_blocks(request.GET["gate"]), content_type="text/plain")


def download(request):
    """A file, given to wsgi.file_wrapper."""
    return FileResponse(open(request.GET["path"], "rb"), as_attachment=True)


def connection_identity(request):
    """Which connection to the database serves this thread."""
    connection.ensure_connection()
    return JsonResponse({"thread": threading.get_ident(), "connection": id(connection.connection)})


def fail(request):
    raise ValueError("failing on purpose")
