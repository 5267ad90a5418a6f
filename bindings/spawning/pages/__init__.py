# SPDX-License-Identifier: MIT
"""Pages of the server's own: `/_coverage` and `/_sysinfo`."""
