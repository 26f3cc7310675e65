"""A stand-in of Kubernetes' API server, for the commands of the documents: it knows the paths of the API, holds what it is
given to the schemas of Kubernetes and of the Prometheus operator, strictly, and keeps it in memory. It runs nothing: a Job has
one pod, which is said to have ended well.

    python3 api.py FILE     # the port is written to FILE
"""

import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import kubernetes_validate

KINDS = {
    ("", "v1"): {
        "namespaces": "Namespace",
        "pods": "Pod",
        "secrets": "Secret",
        "configmaps": "ConfigMap",
        "serviceaccounts": "ServiceAccount",
        "persistentvolumeclaims": "PersistentVolumeClaim",
    },
    ("apps", "v1"): {"deployments": "Deployment"},
    ("batch", "v1"): {"jobs": "Job", "cronjobs": "CronJob"},
    ("networking.k8s.io", "v1"): {"networkpolicies": "NetworkPolicy"},
    ("monitoring.coreos.com", "v1"): {"podmonitors": "PodMonitor", "prometheusrules": "PrometheusRule"},
}
VERSION = "1.37.0"
PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>v1)(?:/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<resource>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?P<log>/log)?$"
)
store = {}


def wrong(thing):
    """What the schemas find wrong with an object."""
    if thing["apiVersion"].startswith("monitoring."):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(thing, file)
            file.flush()
            script = pathlib.Path(__file__).with_name("custom_resources.py")
            told = subprocess.run([sys.executable, script, file.name], capture_output=True, text=True)
            return told.stderr if told.returncode else json.loads(told.stdout)[0]
    try:
        kubernetes_validate.validate(thing, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(map(str, error.path))}: {error.message}"


def schema(group, version):
    """That the server validates fields itself is read from here."""
    paths = {}
    for resource, kind in KINDS[group, version].items():
        operation = {
            "parameters": [{"name": "fieldValidation", "in": "query"}],
            "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
        }
        paths[f"/{resource}/{{name}}"] = {"patch": operation}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION}, "paths": paths}


def fields(message):
    """The fields of a message of Protocol Buffers: number, and bytes or an integer."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        value = varint()
        if key & 7 == 2:
            value, at = message[at : at + value], at + value
        yield key >> 3, value


def decoded(body):
    """An object as kubectl sends it: JSON, or of the oldest kinds (Namespace, Secret) Protocol Buffers in an envelope."""
    if not body.startswith(b"k8s\0"):
        return json.loads(body or b"{}")
    envelope = dict(fields(body[4:]))
    kind = dict(fields(envelope[1]))
    thing = {"apiVersion": kind[1].decode(), "kind": kind[2].decode(), "metadata": {}}
    for number, value in fields(envelope[2]):
        if number == 1:
            meta = dict(fields(value))
            thing["metadata"] = {name: meta[n].decode() for n, name in ((1, "name"), (3, "namespace")) if meta.get(n)}
        elif number == 2 and thing["kind"] == "Secret":
            entry = dict(fields(value))
            thing.setdefault("data", {})[entry[1].decode()] = base64.b64encode(entry[2]).decode()
        elif number == 3 and thing["kind"] == "Secret":
            thing["type"] = value.decode()
    return thing


def pod(job):
    """The pod of a Job, as if it had ended."""
    name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
    meta = {"name": f"{name}-7xk2p", "namespace": namespace, "uid": "0", "labels": {"job-name": name}}
    spec = job["spec"]["template"]["spec"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": {"phase": "Succeeded"}}


def merge(old, new):
    for name, value in new.items():
        if value is None:
            old.pop(name, None)
        elif isinstance(value, dict) and isinstance(old.get(name), dict):
            merge(old[name], value)
        else:
            old[name] = value


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def answer(self, status, body):
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def refuse(self, status, reason, message):
        told = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": status}
        self.answer(status, told)

    def body(self):
        return decoded(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def find(self):
        """What a path means: group, version, namespace, resource, name, and the log; none where there is no such thing."""
        found = PATH.match(urllib.parse.urlparse(self.path).path)
        if found is None:
            return None
        group = found["group"] or ""
        if found["resource"] not in KINDS.get((group, found["version"]), {}):
            return None
        return group, found["version"], found["namespace"], found["resource"], found["name"], found["log"]

    def do_GET(self):
        path = urllib.parse.urlparse(self.path).path.rstrip("/")
        if path == "/api":
            return self.answer(200, {"kind": "APIVersions", "versions": ["v1"]})
        if path == "/apis":
            groups = []
            for group, version in KINDS:
                only = {"groupVersion": f"{group}/{version}", "version": version}
                if group:
                    groups.append({"name": group, "versions": [only], "preferredVersion": only})
            return self.answer(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        for (group, version), kinds in KINDS.items():
            of = f"apis/{group}/{version}" if group else f"api/{version}"
            if path == f"/{of}":
                verbs = ["create", "delete", "get", "list", "patch", "watch"]
                resources = [
                    {"name": name, "singularName": kind.lower(), "kind": kind, "namespaced": kind != "Namespace", "verbs": verbs}
                    for name, kind in kinds.items()
                ]
                whole = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": of.split("/", 1)[1]}
                return self.answer(200, whole | {"resources": resources})
            if path == f"/openapi/v3/{of}":
                return self.answer(200, schema(group, version))
        if path == "/openapi/v3":
            of = [f"apis/{g}/{v}" if g else f"api/{v}" for g, v in KINDS]
            return self.answer(200, {"paths": {p: {"serverRelativeURL": f"/openapi/v3/{p}?hash=0"} for p in of}})
        asked = self.find()
        if asked is None:
            return self.refuse(404, "NotFound", f"there is no {path}")
        group, version, namespace, resource, name, log = asked
        if log:
            return self.answer(200, "{}\n")
        if name:
            thing = store.get((namespace, resource, name))
            return self.answer(200, thing) if thing else self.refuse(404, "NotFound", f'{resource} "{name}" not found')
        self.list(namespace, resource, group, version)

    def list(self, namespace, resource, group, version):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        things = [thing for (n, r, _), thing in store.items() if r == resource and n == namespace]
        for wanted in query.get("fieldSelector", []):
            things = [thing for thing in things if wanted == f"metadata.name={thing['metadata']['name']}"]
        if "watch" not in query:
            whole = {"kind": f"{KINDS[group, version][resource]}List", "apiVersion": f"{group}/{version}".lstrip("/")}
            return self.answer(200, whole | {"metadata": {"resourceVersion": "1"}, "items": things})
        # One event for each, and then none, for as long as somebody watches.
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        for thing in things:
            self.wfile.write(json.dumps({"type": "ADDED", "object": thing}).encode() + b"\n")
        self.wfile.flush()
        self.connection.recv(1)

    def do_POST(self):
        asked, thing = self.find(), self.body()
        if asked is None:
            return self.refuse(404, "NotFound", f"there is no {self.path}")
        group, version, namespace, resource, _, _ = asked
        self.keep(thing, namespace, resource, 201)

    def do_PATCH(self):
        asked = self.find()
        thing = store.get((asked[2], asked[3], asked[4])) if asked else None
        if thing is None:
            return self.refuse(404, "NotFound", f"there is no {self.path}")
        changed = json.loads(json.dumps(thing))
        merge(changed, {name: value for name, value in self.body().items() if not name.startswith("$")})
        self.keep(changed, asked[2], asked[3], 200)

    def keep(self, thing, namespace, resource, status):
        if found := wrong(thing):
            return self.refuse(422, "Invalid", found)
        if resource != "namespaces" and (None, "namespaces", namespace) not in store:
            return self.refuse(404, "NotFound", f'namespaces "{namespace}" not found')
        name = thing["metadata"]["name"]
        if status == 201 and (namespace, resource, name) in store:
            return self.refuse(409, "AlreadyExists", f'{resource} "{name}" already exists')
        if resource == "jobs" and status == 201:
            thing["spec"]["selector"] = {"matchLabels": {"job-name": name}}
            store[namespace, "pods", f"{name}-7xk2p"] = pod(thing)
        store[namespace, resource, name] = thing
        self.answer(status, thing)

    def do_DELETE(self):
        asked = self.find()
        thing = store.pop((asked[2], asked[3], asked[4]), None) if asked else None
        if thing is None:
            return self.refuse(404, "NotFound", f"there is no {self.path}")
        store.pop((asked[2], "pods", f"{asked[4]}-7xk2p"), None)
        self.answer(200, {"apiVersion": "v1", "kind": "Status", "status": "Success"})

    def log_message(self, *words):
        print(self.command, self.path, words[1], file=sys.stderr)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
pathlib.Path(sys.argv[1]).write_text(str(server.server_port))
server.serve_forever()
