# SPDX-License-Identifier: MIT
"""What a configuration of gunicorn's comes to: spawning.gunicorn_config reads one."""
