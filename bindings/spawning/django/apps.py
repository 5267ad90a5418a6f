# SPDX-License-Identifier: MIT
"""What Django has to know of the app."""

from django.apps import AppConfig


class SpawningConfig(AppConfig):
    name = "spawning.django"
    label = "spawning"
    verbose_name = "Spawning"
