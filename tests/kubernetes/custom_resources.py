"""Holds a PodMonitor or PrometheusRule to the Prometheus operator's own types: every field is known, of the right type, and
nothing that is required is missing. Says of each file what is wrong with it, or nothing, as a list of texts in JSON.

    python3 custom_resources.py FILE …
"""

import json
import sys

import yaml
from cloudcoil.models.prometheus_operator import v1
from pydantic import ValidationError


def lost(given, kept, place=""):
    """What the types do not know is not there any more in what they kept."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for name, value in given.items():
            if name in kept:
                yield from lost(value, kept[name], f"{place}.{name}")
            else:
                yield f"{place}.{name}: there is no such field"
    elif isinstance(given, list) and isinstance(kept, list):
        for number, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from lost(one, other, f"{place}[{number}]")
    elif given != kept:
        yield f"{place}: {given!r} is read as {kept!r}"


def wrong(file):
    found = []
    for document in yaml.safe_load_all(open(file)):
        kind = getattr(v1, document["kind"])
        try:
            kept = kind.model_validate(document).model_dump(mode="json", by_alias=True, exclude_unset=True)
        except ValidationError as error:
            found.append(str(error))
        else:
            found.extend(lost(document, kept))
    return "\n".join(found)


print(json.dumps([wrong(file) for file in sys.argv[1:]]))
