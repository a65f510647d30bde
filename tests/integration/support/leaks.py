"""No token may be found in a log, whole or begun."""
import re

from support import tokens

#: As much of a segment as is taken for a trace of its token.
BEGIN = 24
RUN = re.compile(r"[A-Za-z0-9_-]{%d,}" % BEGIN)


def secrets(token):
    """What must not be seen of a token: the payload and signature of a JWT,
    all of an API token."""
    return token.split(".")[1:] or [token]


def traces(text, minted=None):
    """The minted tokens that `text` shows."""
    seen = {run[:BEGIN] for run in RUN.findall(text)}
    return [token for token in (tokens.minted if minted is None else minted)
            if any(part[:BEGIN] in seen for part in secrets(token)
                   if len(part) >= BEGIN)]
