# SPDX-License-Identifier: MIT
"""How a worker answers requests: on threads, or in greenlets; and never in what is forked from it."""
