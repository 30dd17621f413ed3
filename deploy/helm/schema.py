"""The chart's ``values.schema.json``: which values there are, of which kinds. What names a variable, and what
goes together, templates/_validate.tpl says in sentences."""

from typing import Any

from shared.schemas.services import SERVICES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
FREE: Schema = {"type": "object"}
FREE_LIST: Schema = {"type": "array", "items": FREE}
TEXTS: Schema = {"type": "array", "items": TEXT}
CPU: Schema = {
    "type": ["string", "number", "null"],
    "pattern": r"^\d+m$|^\d+(\.\d+)?$",
    "examples": ["500m", "1"],
}
NAME: Schema = {"type": "string", "pattern": r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", "maxLength": 253}
ADDRESS: Schema = {"type": "string", "pattern": r"^(https?://[^\s{}\"'#\\]+[^\s{}\"'#/\\])?$"}
TIME: Schema = {"type": "string", "pattern": r"^\d+[smh]$"}
NAMED: Schema = {"type": "string", "minLength": 1}
DIGEST: Schema = {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"}
SCHEDULE: Schema = {"type": "string", "pattern": r"^\S+( \S+){4}$", "examples": ["30 23 * * *"]}
PORTS: Schema = {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 65535}}

RENAMED = (
    *("replicaCount", "resources", "autoscaling", "env", "extraEnv", "config", "existingSecret"),
    *("imagePullSecrets", "priorityClassName", "serviceMonitor", "prometheusRule", "pdb"),
    *("topologySpreadConstraints", "gateway", "kafka", "mongodb"),
    *("worker", "api", "setting", "secret", "file", "service", "replicas", "host", "extraManifests"),
)
RENAMED_IN_SERVICE = ("replicas", "replicaCount", "resources", "memoryMiB", "cpu", "autoscaling", "env")
"""Let through, so that templates/_validate.tpl can say what they are called here."""


def whole(least: int, most: int | None = None, *, null: bool = False) -> Schema:
    schema: Schema = {"type": ["integer", "null"] if null else "integer", "minimum": least}
    return schema if most is None else schema | {"maximum": most}


def one_of(*words: str) -> Schema:
    return {"enum": list(words)}


def closed(**fields: Schema) -> Schema:
    """An object of these and no others."""
    return {"type": "object", "additionalProperties": False, "properties": fields}


def complete(**fields: Schema) -> Schema:
    """An object of all of these: what a value of null would take away, templates would miss."""
    needed = [name for name, schema in fields.items() if "null" not in schema.get("type", ())]
    return closed(**fields) | {"required": needed}


def unless(name: str, schema: Schema) -> Schema:
    """What templates can do without: values that are kept from the version before (``--reuse-values``) have
    none."""
    return schema | {"required": [one for one in schema["required"] if one != name]}


def renaming(names: tuple[str, ...], schema: Schema) -> Schema:
    """An object that may have these too, which the templates refuse."""
    return schema | {"properties": schema["properties"] | dict.fromkeys(names, of("renamed"))}


def of(form: str) -> Schema:
    return {"$ref": f"#/$defs/{form}"}


MEMORY = {"worker": whole(320, 16384, null=True), "api": whole(192, 4096, null=True)}
"""MiB of a pod: a worker's budget is 256 less, and 64 at least."""


def _variables(of_one: Schema) -> Schema:
    return {
        "type": "object",
        "additionalProperties": of_one,
    }


def _process(kind: str) -> Schema:
    return closed(
        replicas=whole(1, null=True),
        memoryMiB=MEMORY[kind],
        cpu=CPU,
        secrets=of("secrets"),
        extraVolumes=FREE_LIST,
        extraVolumeMounts=FREE_LIST,
    )


def definitions() -> Schema:
    return {
        "settings": _variables({"type": ["string", "number", "boolean", "object", "array", "null"]}),
        "secrets": _variables({"description": "{secret: name, key: name}"}),
        "files": _variables(
            {"description": "{text: …}, {configMap: name, key: …} or {secret: name, key: …}"}
        ),
        "service": renaming(
            RENAMED_IN_SERVICE,
            complete(
                settings=of("settings"),
                secrets=of("secrets"),
                files=of("files"),
                worker=_process("worker"),
                api=_process("api"),
            ),
        ),
        "peers": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {"podSelector": FREE, "namespaceSelector": FREE, "ipBlock": FREE},
            },
        },
        "renamed": {"description": "Called otherwise in this chart: UPGRADING.md."},
        "towards": complete(to=of("peers"), ports=PORTS),
    }


def _processes() -> dict[str, Schema]:
    return {
        "workers": complete(
            replicas=whole(1),
            memoryMiB=MEMORY["worker"],
            cpu=CPU,
            autoscaling=complete(
                enabled=FLAG,
                prometheus=TEXT,
                authentication=NAME,
                selector=TEXT,
                minReplicas=whole(1),
                maxReplicas=whole(1, null=True),
                lagSeconds=whole(1),
                timersDue=whole(1, 450),
                scaleDownSeconds=whole(60, 3600),
            ),
        ),
        "apis": complete(
            replicas=whole(1),
            memoryMiB=MEMORY["api"],
            cpu=CPU,
            autoscaling=complete(
                enabled=FLAG, minReplicas=whole(1), maxReplicas=whole(1), cpuPercent=whole(10, 100)
            ),
        ),
        "mailIn": complete(
            enabled=FLAG,
            replicas=whole(1),
            port=whole(1, 65535),
            **{"from": of("peers")},
            extraVolumes=FREE_LIST,
            extraVolumeMounts=FREE_LIST,
        ),
        "clv": complete(
            enabled=FLAG,
            image=complete(repository=TEXT, tag=TEXT, digest=DIGEST),
            schedule=SCHEDULE,
            timeZone=NAMED,
            memoryMiB=whole(256, 65536),
        ),
        "podDisruptionBudget": complete(
            enabled=FLAG,
            maxUnavailable={"type": ["integer", "string"], "minimum": 1, "pattern": r"^[1-9]\d*%$"},
        ),
        "topologySpread": one_of("soft", "hard", "off"),
        "priorityClass": complete(name=NAME, create=FLAG, value=whole(-(10**9), 10**9)),
        "podAnnotations": LABELS,
        "podLabels": LABELS,
        "nodeSelector": LABELS,
        "tolerations": FREE_LIST,
        "affinity": FREE,
        "runAsUser": whole(1, null=True),
        "serviceAccount": complete(create=FLAG, name=NAME, annotations=LABELS),
    }


def _net() -> dict[str, Schema]:
    parent = {"type": "object", "required": ["name"]}
    certificate = complete(secretName=NAME, hosts=TEXTS)
    return {
        "hosts": complete(**dict.fromkeys(SERVICES, TEXT)),
        "hostsScheme": one_of("http", "https"),
        "ingress": complete(
            enabled=FLAG, className=TEXT, annotations=LABELS, tls={"type": "array", "items": certificate}
        ),
        "httpRoute": complete(
            enabled=FLAG, parentRefs={"type": "array", "items": parent}, annotations=LABELS
        ),
        "networkPolicy": complete(
            enabled=FLAG,
            **{"from": complete(clients=of("peers"), prometheus=of("peers"))},
            **dict.fromkeys(("kafka", "mongo", "mail", "web", "dns"), of("towards")),
        ),
    }


def _beside() -> dict[str, Schema]:
    return {
        "topics": complete(job=FLAG),
        "migrations": {"type": "array", "items": {**TEXTS, "minItems": 1}},
        "strimzi": complete(
            cluster=NAME,
            apiVersion=one_of("kafka.strimzi.io/v1", "kafka.strimzi.io/v1beta2"),
            topics=complete(enabled=FLAG, namespace=NAME, replicas=whole(1), minInSyncReplicas=whole(1)),
            users=complete(enabled=FLAG, authentication=one_of("scram-sha-512", "tls")),
        ),
        "monitoring": complete(
            serviceMonitor=complete(enabled=FLAG, interval=TIME, labels=LABELS),
            rules=unless("docs", complete(enabled=FLAG, labels=LABELS, docs=ADDRESS)),
            dashboards=complete(enabled=FLAG, labels=LABELS, annotations=LABELS),
        ),
        "check": complete(enabled=FLAG, afterUpgrade=FLAG, seconds=whole(10, 1800)),
        "externalSecrets": complete(
            enabled=FLAG,
            name=NAME,
            store=complete(kind=one_of("SecretStore", "ClusterSecretStore"), name=NAME),
            refreshInterval=TIME,
            data={"type": "object", "additionalProperties": {"type": "object", "required": ["key"]}},
        ),
        "extraObjects": {"type": "array", "items": {"type": ["object", "string"]}},
    }


def values_schema() -> Schema:
    """The whole schema, ready for JSON (draft 2020-12)."""
    image = complete(
        repository=NAMED,
        tag=TEXT,
        digest=DIGEST,
        pullPolicy=one_of("Always", "IfNotPresent", "Never"),
        pullSecrets=TEXTS,
        command={**TEXTS, "minItems": 1},
    )
    fields: dict[str, Schema] = {
        "nameOverride": NAME,
        "fullnameOverride": NAME,
        "global": FREE,
        "image": image,
        "size": one_of("small", "medium", "large"),
        "partitions": whole(1),
        "settings": of("settings"),
        "secrets": of("secrets"),
        "files": of("files"),
        "lookForSecrets": FLAG,
        "services": complete(**dict.fromkeys(SERVICES, of("service"))),
        **_processes(),
        **_net(),
        **_beside(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Values of the chart rapport",
        "$comment": "Written by `python -m deploy.generate` from deploy/helm/schema.py.",
        "$defs": definitions(),
        **closed(**fields, **dict.fromkeys(RENAMED, of("renamed"))),
        "required": sorted(fields.keys() - {"global", "nameOverride", "fullnameOverride", "runAsUser"}),
    }
