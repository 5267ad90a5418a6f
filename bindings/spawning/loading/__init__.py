# SPDX-License-Identifier: MIT
"""Finding and loading the application, and what to say when that fails."""
