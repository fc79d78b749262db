"""Files of resources: YAML text in, typed resources and located faults out.

The doors (`plan`, `apply`, the API) call `read_resources`; they may trust what comes back to be
whole and checked. Nothing here raises on bad input, and a file with any fault is refused as a whole
by its callers, which see every fault at once.
"""

from typing import Final

from fairlead.model.resources import API_VERSION, Fault, Metadata, Resource, kinds
from fairlead.policy.fields import LABEL, Faults, Fields
from fairlead.policy.read_policy import read_policy
from fairlead.policy.read_rules import read_grant, read_session_policy, read_steering, read_strategy
from fairlead.policy.read_usage import read_usage_rule
from fairlead.policy.yaml_tree import Members, Node, read_yaml

_READERS: Final = {
    "Policy": read_policy,
    "Strategy": read_strategy,
    "Steering": read_steering,
    "SessionPolicy": read_session_policy,
    "Grant": read_grant,
    "UsageRule": read_usage_rule,
}


def read_resources(text: str, *, file: str) -> tuple[tuple[Resource, ...], tuple[Fault, ...]]:
    """The resources of a file of one or more YAML documents, and everything that is wrong with it.

    `file` only names the place in faults. A document with a fault yields no resource. The first
    document says its `apiVersion`; later ones may leave it out.
    """
    return read_noting(text, Faults(file))


def read_noting(text: str, faults: Faults) -> tuple[tuple[Resource, ...], tuple[Fault, ...]]:
    """The same, with a list of faults of the caller's, who may ask it afterwards which fields were asked for."""
    documents, bad = read_yaml(text)
    resources: list[Resource] = []
    seen: dict[tuple[str, str], int] = {}
    for index, document in enumerate(documents):
        before = len(faults.found)
        resource = _resource(document, faults, first=index == 0)
        if resource is None or len(faults.found) > before:
            continue
        key = (type(resource).__name__, resource.metadata.name)
        if key in seen:
            expected = f"each name once; line {seen[key]} has it already"
            faults.add(document, "metadata.name", expected, value=f"a second {key[0]} {key[1]!r}")
            continue
        seen[key] = resource.line
        resources.append(resource)
    if bad is not None:
        faults.at((bad.line, bad.column), "", bad.found, bad.expected)
    elif not documents:
        faults.at((1, 1), "", "no document", f"resources: {', '.join(kinds)}")
    return tuple(resources), tuple(faults.found)


def _resource(document: Node, faults: Faults, *, first: bool) -> Resource | None:
    if not isinstance(document, Members):
        faults.add(document, "", "a map with apiVersion, kind, metadata and spec")
        return None
    fields = Fields(document, "", faults)
    fields.choice("apiVersion", (API_VERSION,), optional=not first)
    kind = fields.choice("kind", kinds)
    metadata = _metadata(fields)
    spec = fields.fields("spec", "a map")
    fields.done()
    if kind is None or metadata is None or spec is None:
        return None
    return _READERS[kind](metadata, spec, document.line)


def _metadata(fields: Fields) -> Metadata | None:
    inner = fields.fields("metadata", "a map with a name")
    if inner is None:
        return None
    expected = "a DNS label: lower-case letters, digits and hyphens, at most 63"
    name = inner.text("name", expected, pattern=LABEL)
    labels = inner.fields("labels", "a map of words", optional=True)
    inner.done()
    return None if name is None else Metadata(name=name, labels={} if labels is None else _labels(labels))


def _labels(fields: Fields) -> dict[str, str]:
    read = {key: fields.text_of(node, fields.name(key), "text") for key, node in fields.node.members.items()}
    return {key: value for key, value in read.items() if value is not None}
