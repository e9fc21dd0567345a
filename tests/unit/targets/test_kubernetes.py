"""Every tier renders to manifests that Kubernetes accepts, and that keep the platform's promises there, too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest

from components.targets.kubernetes.files import Files
from components.targets.kubernetes.pods import resources
from components.targets.kubernetes.target import manifests
from components.workload import ConfigFile, Effect, HealthCheck, Member, Port, Resources, Volume, Workload, Zone
from tests.support.manifests import IMAGES, render

VERSION = "1.34"
DNS_LABEL = re.compile(r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")
SELECTED_BY = {"StatefulSet", "Deployment", "PodDisruptionBudget"}
VARIED: dict[str, Any] = {
    "app": {"pools": {"web": {"workers": 3}, "worker": {"port": 0, "workers": 2, "command": ["work"]},
                      "websocket": {"paths": ["/ws"], "workers": 1}},
            "jobs": {"report": {"schedule": "0 3 * * *", "command": ["report"]}},
            "colours": {"green": {"workers": 1}}, "credentials": "files", "stop_signal": "SIGINT"},
    "postgres": {"members": 1, "etcd": {"members": 5}},
    "redis": {"masters": 4, "replicas_per_master": 2},
}


@pytest.fixture(scope="module")
def default() -> list[dict[str, Any]]:
    return render()


@pytest.fixture(scope="module", params=[{}, VARIED], ids=["default", "varied"])
def platform(request: pytest.FixtureRequest, default: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return render(request.param) if request.param else default


def named(rendered: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(one for one in rendered if one["kind"] == kind and one["metadata"]["name"] == name)


def of_kind(rendered: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [one for one in rendered if one["kind"] in kinds]


def controllers(rendered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return of_kind(rendered, "StatefulSet", "Deployment")


def everything_that_runs(rendered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Controllers, and the jobs that a CronJob makes."""
    return [*controllers(rendered), *(one["spec"]["jobTemplate"] for one in of_kind(rendered, "CronJob"))]


def pod(controller: dict[str, Any]) -> dict[str, Any]:
    return controller["spec"]["template"]["spec"]


def containers(rendered: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for controller in everything_that_runs(rendered):
        yield from [*pod(controller)["containers"], *pod(controller).get("initContainers", [])]


# -- what Kubernetes demands ------------------------------------------------------------------------------------------


def test_a_schema_validator_accepts_every_manifest(platform: list[dict[str, Any]]) -> None:
    for manifest in platform:
        kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_the_validator_would_notice(default: list[dict[str, Any]]) -> None:
    broken = json.loads(json.dumps(named(default, "StatefulSet", "redis")))
    broken["spec"]["template"]["spec"]["containers"][0]["volumeMonts"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSION, strict=True)


def test_names_are_valid_and_unique(platform: list[dict[str, Any]]) -> None:
    seen = [(one["kind"], one["metadata"]["name"]) for one in platform]
    assert len(set(seen)) == len(seen)
    assert all(DNS_LABEL.match(name) for _, name in seen), [name for _, name in seen if not DNS_LABEL.match(name)]
    for manifest in of_kind(platform, "ConfigMap", "Secret"):
        keys = {**manifest.get("data", {}), **manifest.get("stringData", {})}
        assert all(re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key) for key in keys)
        assert sum(map(len, keys.values())) < 1024**2, "etcd takes no object beyond 1 MiB"


def test_everything_is_in_the_stacks_namespace(platform: list[dict[str, Any]]) -> None:
    for manifest in platform:
        if manifest["kind"] != "Namespace":
            assert manifest["metadata"]["namespace"] == "evenkeel-test"


def test_selectors_select_the_pods_they_are_about(platform: list[dict[str, Any]]) -> None:
    labels = {one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"] for one in controllers(platform)}
    for manifest in of_kind(platform, *SELECTED_BY):
        wanted = manifest["spec"]["selector"]["matchLabels"]
        assert [name for name, own in labels.items() if wanted.items() <= own.items()] == [manifest["metadata"]["name"]]
    for service in of_kind(platform, "Service"):
        wanted = {key: value for key, value in service["spec"]["selector"].items()
                  if key != "statefulset.kubernetes.io/pod-name"}
        assert sum(wanted.items() <= own.items() for own in labels.values()) == 1


def test_every_mount_has_its_volume_and_every_file_its_key(platform: list[dict[str, Any]]) -> None:
    held = {(one["kind"], one["metadata"]["name"]): {**one.get("data", {}), **one.get("stringData", {})}
            for one in of_kind(platform, "ConfigMap", "Secret")}
    for controller in everything_that_runs(platform):
        claims = {claim["metadata"]["name"] for claim in controller["spec"].get("volumeClaimTemplates", [])}
        volumes = {volume["name"] for volume in pod(controller)["volumes"]}
        for container in [*pod(controller)["containers"], *pod(controller).get("initContainers", [])]:
            paths = [mount["mountPath"] for mount in container["volumeMounts"]]
            assert {mount["name"] for mount in container["volumeMounts"]} <= claims | volumes
            assert len(set(paths)) == len(paths)
        assert not claims & volumes
        for source in (source for volume in pod(controller)["volumes"]
                       for source in volume.get("projected", {}).get("sources", [])):
            [(kind, given)] = source.items()
            keys = held["ConfigMap" if kind == "configMap" else "Secret", given["name"]]
            assert {item["key"] for item in given["items"]} == set(keys)
            assert len({item["path"] for item in given["items"]}) == len(given["items"])


def test_ports_are_named_where_they_are_used(platform: list[dict[str, Any]]) -> None:
    by_name = {one["metadata"]["name"]: {port["name"] for port in pod(one)["containers"][0]["ports"]}
               for one in controllers(platform)}
    for service in of_kind(platform, "Service"):
        workload = service["spec"]["selector"]["app.kubernetes.io/name"]
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= by_name[workload]


# -- what the platform promises ---------------------------------------------------------------------------------------


def test_no_secret_is_outside_of_a_secret(platform: list[dict[str, Any]]) -> None:
    secrets = [value for one in of_kind(platform, "Secret") for value in one["stringData"].values()]
    passwords = {word for value in secrets for word in re.findall(r"pass-[-a-z]+", value)}
    assert {"pass-redis-platform", "pass-postgres-app"} <= passwords
    elsewhere = json.dumps([one for one in platform if one["kind"] != "Secret"])
    assert not [password for password in passwords if password in elsewhere]
    assert "PRIVATE KEY" not in elsewhere


def test_nothing_runs_without_limits_or_with_rights(platform: list[dict[str, Any]]) -> None:
    for container in containers(platform):
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory"}, container["name"]
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] and rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
    for controller in everything_that_runs(platform):
        context = pod(controller)["securityContext"]
        assert context["runAsNonRoot"] and context["runAsUser"] == context["fsGroup"] == 10001
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod(controller)["automountServiceAccountToken"] is False


def test_every_workload_of_more_than_one_may_lose_one_at_a_time(platform: list[dict[str, Any]]) -> None:
    budgets = {one["metadata"]["name"]: one["spec"]["maxUnavailable"]
               for one in of_kind(platform, "PodDisruptionBudget")}
    counts = {one["metadata"]["name"]: one["spec"]["replicas"] for one in controllers(platform)}
    assert budgets == {name: 1 for name, count in counts.items() if count > 1}


def test_members_that_keep_something_have_names_from_1_and_storage(default: list[dict[str, Any]]) -> None:
    redis = named(default, "StatefulSet", "redis")["spec"]
    assert (redis["replicas"], redis["ordinals"]["start"], redis["serviceName"]) == (6, 1, "redis-members")
    assert redis["podManagementPolicy"] == "Parallel", "members wait for each other: in turn none would become ready"
    assert redis["updateStrategy"]["type"] == "OnDelete"
    assert redis["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    service = named(default, "Service", "redis-members")["spec"]
    assert service["clusterIP"] == "None" and service["publishNotReadyAddresses"] is True


def test_members_are_told_names_that_services_give_them(default: list[dict[str, Any]]) -> None:
    services = {one["metadata"]["name"]: one["spec"].get("clusterIP") for one in of_kind(default, "Service")}
    headless = {name for name, address in services.items() if address == "None"}
    sets = {one["metadata"]["name"]: one["spec"]["replicas"] for one in of_kind(default, "StatefulSet")}
    texts = json.dumps(default)
    told = set(re.findall(r"([-a-z0-9.]+)\.evenkeel-test\.svc\.cluster\.local", texts))
    assert {"redis-6.redis-members", "haproxy-1", "pgbouncer"} <= told
    unknown = []
    for name in told:
        member, _, service = name.rpartition(".")
        if not member:
            unknown += [name] if service not in services else []
        else:
            workload, _, ordinal = member.rpartition("-")
            ok = service in headless and workload in sets and 1 <= int(ordinal) <= sets[workload]
            unknown += [] if ok else [name]
    certificate_names_only = {name for name in unknown if re.fullmatch(r"(pgproxy|pgbouncer)-\d\.\1-members", name)}
    assert set(unknown) <= certificate_names_only, unknown


def test_each_member_sees_its_own_files(default: list[dict[str, Any]]) -> None:
    sources = next(volume for volume in pod(named(default, "StatefulSet", "redis"))["volumes"]
                   if volume["name"] == "files")["projected"]["sources"]
    keys = {item["path"]: item["key"] for source in sources for given in source.values() for item in given["items"]}
    config = named(default, "ConfigMap", "redis-config")["data"]
    for n in range(1, 7):
        assert f'"me": "redis-{n}"' in config[keys[f"redis-{n}/formation.json"]]
    modes = {item["path"]: item["mode"] for source in sources for given in source.values() for item in given["items"]}
    assert modes["redis-1/users.acl"] == 0o440 and modes["redis-1/redis.conf"] == 0o444


def test_a_readiness_probe_is_the_health_check_and_nothing_is_killed_for_failing_it(
        default: list[dict[str, Any]]) -> None:
    for controller in controllers(default):
        assert pod(controller)["containers"][0]["readinessProbe"]["exec"]["command"]
        assert "livenessProbe" not in pod(controller)["containers"][0]


def test_zones_are_policies_and_only_the_edge_is_open(default: list[dict[str, Any]]) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind(default, "NetworkPolicy")}
    assert set(policies) == {"deny-by-default", "zone-edge", "zone-app", "zone-data", "zone-control", "zone-watch",
                             "nginx-public"}
    assert policies["deny-by-default"]["podSelector"] == {} and policies["deny-by-default"]["ingress"] == []
    assert {} not in policies["zone-data"]["egress"], "data members don't call out"
    assert {} not in policies["zone-control"]["egress"]
    redis = named(default, "StatefulSet", "redis")["spec"]["template"]["metadata"]["labels"]
    assert [name for name in ("edge", "app", "data") if f"evenkeel/zone-{name}" in redis] == ["data"]
    balancers = [one["metadata"]["name"] for one in of_kind(default, "Service")
                 if one["spec"].get("type") == "LoadBalancer"]
    assert balancers == ["nginx-public"]


def test_no_supervisor_is_rendered_since_kubernetes_restarts_members_itself(default: list[dict[str, Any]]) -> None:
    assert not [one for one in default if one["metadata"]["name"] in ("supervisor", "engineproxy")]


# -- the vocabulary's corners -----------------------------------------------------------------------------------------


def workload(**changes: Any) -> Workload:
    given: dict[str, Any] = {"name": "thing", "tier": "app", "image": "thing", "count": 2, "zones": (Zone.APP,),
                             "resources": Resources(memory_mib=1024, cpus=1.0), **changes}
    return Workload(**given)


def only(kind: str, **changes: Any) -> dict[str, Any]:
    [found] = of_kind(manifests("test", workload(**changes), IMAGES), kind)
    return found


def test_a_launcher_goes_before_what_the_image_would_run() -> None:
    container = pod(only("Deployment", launcher=("/bin/sh", "launch.sh")))["containers"][0]
    assert container["command"] == ["/bin/sh", "launch.sh", "/usr/bin/tini", "--"] and container["args"] == ["run"]
    container = pod(only("Deployment", launcher=("/bin/sh", "launch.sh"), command=("work",)))["containers"][0]
    assert container["args"] == ["work"]


def test_another_stop_signal_is_sent_before_kubernetes_own() -> None:
    hook = pod(only("Deployment", stop_signal="SIGQUIT"))["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert hook[2].startswith("kill -s QUIT 1 &&")
    assert "lifecycle" not in pod(only("Deployment"))["containers"][0]


def test_requests_are_half_of_the_limits_unless_given() -> None:
    assert resources(Resources(memory_mib=1024, cpus=1.0)) == {
        "requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}}
    assert resources(Resources(512, 2.0, memory_request_mib=100, cpu_request=0.1))["requests"] == {
        "cpu": "100m", "memory": "100Mi"}


def test_an_unprotected_volume_is_scratch_space() -> None:
    spec = only("StatefulSet", volumes=(Volume("cache", "/cache", 0.5, protected=False),))["spec"]
    assert "volumeClaimTemplates" not in spec and spec["updateStrategy"]["type"] == "RollingUpdate"
    assert {"name": "cache", "emptyDir": {"sizeLimit": "512Mi"}} in spec["template"]["spec"]["volumes"]


def test_a_colour_without_members_is_declared_with_its_files() -> None:
    rendered = manifests("test", workload(count=0, files=lambda _: [ConfigFile("a/b", "text")]), IMAGES)
    assert only("Deployment", count=0)["spec"]["replicas"] == 0
    assert of_kind(rendered, "ConfigMap")[0]["data"] == {"a__b": "text"}
    assert not of_kind(rendered, "PodDisruptionBudget")


def test_members_that_differ_without_an_identity_are_refused() -> None:
    def files(member: Member) -> list[ConfigFile]:
        return [ConfigFile("own.conf", member.name)]

    with pytest.raises(ValueError, match=r"thing have different own\.conf"):
        Files.of("test", workload(files=files), per_member=False)


def test_what_is_read_only_at_the_start_restarts_and_the_rest_does_not() -> None:
    def mark(content: str, effect: Effect) -> str:
        files = [ConfigFile("a.conf", content, effect=effect)]
        template = only("Deployment", files=lambda _: files)["spec"]["template"]
        return str(template["metadata"]["annotations"]["evenkeel/restart-mark"])

    assert mark("one", Effect.RELOAD) == mark("two", Effect.RELOAD)
    assert mark("one", Effect.RESTART) != mark("two", Effect.RESTART)


def test_an_alias_has_one_address_and_a_workload_one_per_member() -> None:
    rendered = manifests("test", workload(aliases=("front",), ports=(Port("http", 80),),
                                          health=HealthCheck(("true",))), IMAGES)
    services = {one["metadata"]["name"]: one["spec"].get("clusterIP") for one in of_kind(rendered, "Service")}
    assert services == {"thing": "None", "front": None}
