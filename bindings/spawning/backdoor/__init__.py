# SPDX-License-Identifier: MIT
"""A Python prompt inside a worker: who may come in, what they type, and where it is printed."""
