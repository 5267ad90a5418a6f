# SPDX-License-Identifier: MIT
"""A Django app: `INSTALLED_APPS += ["spawning.django"]` gives `manage.py` the command `runspawn`."""
