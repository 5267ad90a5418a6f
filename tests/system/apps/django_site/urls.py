# SPDX-License-Identifier: MIT
"""The pages of the project."""

from django.contrib import admin
from django.urls import path

from django_site import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("form/", views.form),
    path("upload/", views.upload),
    path("stream/", views.stream),
    path("download/", views.download),
    path("connection/", views.connection_identity),
    path("fail/", views.fail),
]
