# SPDX-License-Identifier: MIT
"""What the status server of a `spawn` says."""

from __future__ import annotations

import json
import re

from prometheus_client.parser import text_string_to_metric_families
from running import Client


class Status:
    """The status server of a `spawn`."""

    def __init__(self, server):
        self.server = server
        found = re.search(r"status: http://([\d.]+):(\d+)/status\b", server.errors())
        self.host, self.port = found[1], int(found[2])
        self.url = f"http://{self.host}:{self.port}"

    def get(self, target, method="GET"):
        with Client(self.host, self.port, self.server.patience) as client:
            client.request(target, "Connection: close", method=method)
            return client.response(method)

    def json(self):
        response = self.get("/status.json")
        assert response.status == 200
        return json.loads(response.body)

    def metrics(self):
        """The samples: {(name, labels): value}."""
        response = self.get("/metrics")
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
        families = list(text_string_to_metric_families(response.body.decode()))
        names = [each.name for each in families]
        assert len(names) == len(set(names))
        assert all(each.documentation and each.type != "unknown" for each in families)
        return {
            (sample.name.removeprefix("spawning_"), frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def count(self, name, **labels):
        """The sum of all samples of that name which have these labels."""
        return sum(
            value
            for (found, has), value in self.metrics().items()
            if found == name and set(labels.items()) <= has
        )
