"""Keeps secrets out of errors, logs and stored raw replies: whatever text leaves the kit goes through here."""

from fairlead.engine.ports.carrier import Secret

_LONGEST = 2_000  # letters of a raw body that are worth keeping
_SHORTEST = 4  # a shorter "secret" would blank half of every text


class Redactor:
    """Replaces known secrets by stars and cuts long texts. Learns session tokens as they are issued."""

    def __init__(self, *secrets: Secret) -> None:
        self._fixed = {secret.reveal() for secret in secrets}
        self._learned: set[str] = set()

    def learn(self, *secrets: Secret) -> None:
        """Replace the session secrets by these; those before them have ended."""
        self._learned = {secret.reveal() for secret in secrets}

    def clean(self, text: str) -> str:
        """The text as it may be shown and stored."""
        for secret in sorted(self._fixed | self._learned, key=len, reverse=True):
            if len(secret) >= _SHORTEST:
                text = text.replace(secret, "***")
        return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
