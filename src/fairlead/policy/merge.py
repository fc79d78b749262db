"""JSON merge patch (RFC 7396): how a policy changes part of a document.

`policy.resolve` uses the same rules leaf by leaf to keep the reasons; this is the plain function,
for a shadow's `desired` and for tests to compare with.
"""

from collections.abc import Mapping
from typing import cast

from fairlead.model.document import Json


def merge_patch(target: Json, patch: Json) -> Json:
    """The target with the patch applied (RFC 7396 §2): null removes a member, a map merges, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged: dict[str, Json] = dict(target) if isinstance(target, Mapping) else {}
    for key, value in cast("Mapping[str, Json]", patch).items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
