# SPDX-License-Identifier: MIT
"""Spawning: a WSGI server whose deploys nobody notices."""

from __future__ import annotations

from spawning._version import __version__ as __version__

TYPE_CHECKING = False  # typing's, without loading it: every worker begins here
if TYPE_CHECKING:
    from spawning.embedding import TestServer as TestServer
    from spawning.embedding import serve as serve

__all__ = ["TestServer", "__version__", "serve"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from spawning import embedding  # noqa: PLC0415  # with what is native, for who wants it

    return getattr(embedding, name)
