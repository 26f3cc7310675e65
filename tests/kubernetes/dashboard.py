"""Holds a dashboard to Grafana's own schema: reads it with the classes that are made from the schema, writes it again, and says
which fields were lost or changed on the way: of each file nothing or what is wrong, as a list of texts in JSON.

    python3 dashboard.py FILE …
"""

import json
import sys

from grafana_foundation_sdk.cog import plugins, runtime
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

# What the schema leaves to the data source's plugin: Prometheus' annotations have a title of their own.
OF_PLUGINS = {".annotations.list[0].titleFormat"}


def lost(given, kept, place=""):
    if isinstance(given, dict) and isinstance(kept, dict):
        for name, value in given.items():
            if name in kept:
                yield from lost(value, kept[name], f"{place}.{name}")
            elif f"{place}.{name}" not in OF_PLUGINS:
                yield f"{place}.{name}: there is no such field"
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for number, (one, other) in enumerate(zip(given, kept)):
            yield from lost(one, other, f"{place}[{number}]")
    elif given != kept:
        yield f"{place}: {given!r} is read as {kept!r}"


def wrong(file):
    given = json.load(open(file))
    # A kind of panel that Grafana does not bring along would show an error in its place.
    for panel in given["panels"]:
        if panel["type"] != "row" and runtime.panelcfg_config(panel["type"]) is None:
            yield f"{panel['title']}: there is no panel {panel['type']!r}"
    yield from lost(given, json.loads(json.dumps(Dashboard.from_json(given), cls=JSONEncoder)))


plugins.register_default_plugins()
print(json.dumps(["\n".join(wrong(file)) for file in sys.argv[1:]]))
