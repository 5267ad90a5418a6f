# SPDX-License-Identifier: MIT
"""The manifests in docs/examples/deployment: by Kubernetes' own schemas, and as `spawn` takes them."""

from __future__ import annotations

import copy
import json
import re
import signal
from typing import Any, Callable

import kubernetes_validate
import promql_parser
import pytest
import yaml
from dockerfile_parse import DockerfileParser
from documented import DOCS, EXAMPLES, blocks, shows
from running import Spawn, wait_until
from status_pages import Status

MANIFESTS = list(yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text()))
ADAPTER = yaml.safe_load((EXAMPLES / "prometheus-adapter.yaml").read_text())
VERSIONS = ("1.28", "1.31", "1.34")


def the(kind: str) -> dict[str, Any]:
    (found,) = [each for each in MANIFESTS if each["kind"] == kind]
    return found


POD = the("Deployment")["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
PROBES = {name: CONTAINER[f"{name}Probe"] for name in ("startup", "readiness", "liveness")}


def seconds(option: str) -> float:
    """What an option of the container says."""
    (found,) = [each for each in CONTAINER["args"] if each.startswith(f"{option}=")]
    return float(found.partition("=")[2])


def entry_point() -> list[str]:
    """What the image runs, to which the arguments of a container are added."""
    steps = DockerfileParser(path=str(EXAMPLES), cache_content=True).structure
    (shown,) = [each["value"] for each in steps if each["instruction"] == "ENTRYPOINT"]
    return json.loads(shown)


@pytest.fixture
def pod(spawn: Callable[..., Spawn]) -> tuple[Spawn, Status]:
    """What runs in the container, on free ports."""
    program, *fixed = entry_point()
    assert program == "spawn"
    ports = {"8000": "0", "9080": "0"}
    *given, application = CONTAINER["args"]
    assert application == "shop.app"
    arguments = [*(ports.get(each, each) for each in fixed), *given]
    server = spawn(*arguments, "system_apps:router", port=())
    return server, Status(server)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda each: each["kind"])
def test_it_satisfies_the_schema(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schema_knows_better_than_to_take_anything() -> None:
    misspelt, wrong = copy.deepcopy(the("Deployment")), copy.deepcopy(the("Deployment"))
    misspelt["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    wrong["spec"]["minReadySeconds"] = "five"

    for broken in (misspelt, wrong):
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_its_parts_speak_of_each_other() -> None:
    labels = the("Deployment")["spec"]["template"]["metadata"]["labels"]
    ports = {each["name"]: each["containerPort"] for each in CONTAINER["ports"]}
    target = the("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]

    assert the("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert the("Service")["spec"]["selector"] == labels
    assert the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert [each["targetPort"] for each in the("Service")["spec"]["ports"]] == ["http"]
    assert {probe["httpGet"]["port"] for probe in PROBES.values()} == {"status"}
    assert {str(ports["http"]), str(ports["status"])} <= set(entry_point())
    assert (target["kind"], target["name"]) == ("Deployment", the("Deployment")["metadata"]["name"])
    assert {each["name"] for each in POD["volumes"]} == {
        each["name"] for each in CONTAINER["volumeMounts"]
    }


def test_its_times_hang_together() -> None:
    startup = PROBES["startup"]["periodSeconds"] * PROBES["startup"]["failureThreshold"]
    noticed = PROBES["readiness"]["periodSeconds"] * PROBES["readiness"]["failureThreshold"]

    assert startup > 60  # --boot-timeout
    assert noticed < seconds("--drain-delay")
    needed = seconds("--drain-delay") + seconds("--deadman")
    assert needed < POD["terminationGracePeriodSeconds"]


def test_the_probes_are_answered_also_while_the_pod_ends(pod: tuple[Spawn, Status]) -> None:
    server, status = pod
    paths = {name: probe["httpGet"]["path"] for name, probe in PROBES.items()}
    for path in paths.values():
        assert status.get(path).status == 200

    server.signal(signal.SIGTERM)

    wait_until(lambda: status.get(paths["readiness"]).status == 503, server.patience)
    assert status.get(paths["liveness"]).status == 200
    assert server.get("/pid").status == 200  # who has not heard of its end yet
    server.signal(signal.SIGQUIT)
    assert server.wait() == 0


def scraped() -> dict[str, str]:
    """The annotations that Prometheus goes by."""
    return the("Deployment")["spec"]["template"]["metadata"]["annotations"]


def metrics_in(node: Any) -> dict[str, set[str]]:
    """Each metric that an expression selects, with the labels that it names."""
    found = {}
    if isinstance(node, promql_parser.VectorSelector):
        found[node.name] = {each.name for each in node.matchers.matchers}
    for part in ("expr", "lhs", "rhs", "vector_selector", "vs"):
        inner = getattr(node, part, None)
        if inner is not None:
            found.update(metrics_in(inner))
    for argument in getattr(node, "args", ()):
        found.update(metrics_in(argument))
    return found


def test_the_autoscaler_goes_by_what_is_exposed(pod: tuple[Spawn, Status]) -> None:
    (rule,) = ADAPTER["rules"]["custom"]
    (metric,) = the("HorizontalPodAutoscaler")["spec"]["metrics"]
    query = rule["metricsQuery"].replace("<<.GroupBy>>", "pod")
    query = query.replace("<<.LabelMatchers>>", 'namespace="shop",pod=~"shop-1|shop-2"')
    exposed = {f"spawning_{name}" for name, _ in pod[1].metrics()}

    selected = metrics_in(promql_parser.parse(query))

    assert metric["pods"]["metric"]["name"] == rule["name"]["as"]
    assert set(selected) == {"spawning_requests_running", "spawning_requests_queued"}
    assert set(selected) <= exposed
    assert set(metrics_in(promql_parser.parse(rule["seriesQuery"]))) <= exposed
    assert scraped() == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "9080",
        "prometheus.io/path": "/metrics",
    }


def test_it_scales_before_all_threads_are_taken() -> None:
    (metric,) = the("HorizontalPodAutoscaler")["spec"]["metrics"]
    threads = seconds("--processes") * seconds("--threads")

    assert 0 < float(metric["pods"]["target"]["averageValue"]) < threads


def test_the_documented_alerts_go_by_what_is_exposed(pod: tuple[Spawn, Status]) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "status.md").read_text(), re.DOTALL)
    exposed = {f"spawning_{name}" for name, _ in pod[1].metrics()}

    for alert in yaml.safe_load(shown):
        selected = metrics_in(promql_parser.parse(alert["expr"]))
        assert selected and set(selected) <= exposed


def test_the_page_shows_the_manifest() -> None:
    (shown,) = blocks("yaml")

    assert shows("kubernetes.yaml", shown)
