# SPDX-License-Identifier: MIT
"""Spawning: a WSGI server whose deploys nobody notices."""

from spawning._version import __version__ as __version__
