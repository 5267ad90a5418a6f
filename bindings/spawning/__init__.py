# SPDX-License-Identifier: MIT
"""Spawning: a WSGI server whose deploys nobody notices."""

__version__ = "0.1.0"
