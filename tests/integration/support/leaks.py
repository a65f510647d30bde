"""No token may be found in a log, whole or begun."""
import re

from support import tokens

#: As much of a segment as is taken for a trace of its token.
BEGIN = 24
RUN = re.compile(r"[A-Za-z0-9_-]{%d,}" % BEGIN)


def traces(text, minted=None):
    """The minted tokens whose payload or signature `text` shows."""
    seen = {run[:BEGIN] for run in RUN.findall(text)}
    return [token for token in (tokens.minted if minted is None else minted)
            if any(part[:BEGIN] in seen for part in token.split(".")[1:]
                   if len(part) >= BEGIN)]
