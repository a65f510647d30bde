"""Pieces of configuration."""
from support import tokens


def issuer(*lines, name="corp", url=tokens.ISSUER, keys=None):
    """An <ApiIssuer>; its keys are in keys/NAME.json unless said."""
    lines = [f"ApiIssuerURL {url}",
             keys if keys is not None else f"ApiJWKS file:keys/{name}.json",
             *lines]
    return section("ApiIssuer", name, lines)


def location(path, *lines, audience="pizza", require="valid-user"):
    """A protected <Location>; None leaves a line out."""
    head = ["AuthType Bearer"]
    if audience:
        head.append(f"ApiAudience {audience}")
    if require:
        head.append(f"Require {require}")
    return section("Location", path, head + list(lines))


def section(kind, name, lines):
    inner = "".join(f"    {line}\n" for line in lines)
    return f"<{kind} {name}>\n{inner}</{kind}>\n"
