"""Text that would be a program if a screen took it for HTML: one string a field, so that each can be found again."""

from typing import Final

TAG: Final = "hostile-mark"  # the element that must never come to be
_BAIT: Final = "<hostile-mark>{0}<img src=x onerror=alert(1)>"


def bait(field: str) -> str:
    """A string that names its field, makes an element where it is parsed, and runs where it may."""
    return _BAIT.format(field)


def seen(field: str) -> str:
    """What of it a person can read where it is text, however much is cut off after it."""
    return f"<hostile-mark>{field}"


# Where a stranger's text comes in. A field the API refuses such text in is not here: device and policy names, tags, ids.
DEVICE: Final = ("serial", "sku", "region", "group", "batch")
SIM: Final = ("plan", "apn")
OTHERS: Final = (
    "carrier", "policy-label", "policy-reason", "policy-value", "change-title", "change-reason", "approval-note",
    "bulk-text", "bulk-reason", "owner-name", "second-name", "token-name", "view-name", "import-name", "action-reason",
    "shipment-note",
)  # fmt: skip
FIELDS: Final = (*DEVICE, *SIM, *OTHERS)
