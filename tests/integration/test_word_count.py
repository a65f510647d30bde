"""A directive that takes a list: httpd would drop what is past the 64th word
without saying so, and a list cut short is not what its author wrote."""
import pytest
from support import remote

IN_ISSUER = {"ApiAlgorithms": "ES256", "ApiRequireType": "at+jwt"}
IN_LOCATION = {"ApiAccept": "corp", "ApiAudience": "pizza",
               "ApiTokenFrom": "header:X-API-Key-{}"}


@pytest.mark.parametrize("count", [63, 64, 65, 200])
@pytest.mark.parametrize("name", [*IN_ISSUER, *IN_LOCATION])
def test_count(httpd, jwks, name, count):
    words = "".join(" " + (IN_ISSUER | IN_LOCATION)[name].format(i)
                    for i in range(count))
    issuer = "ApiJWKS file:keys/jwks.json\n"
    conf = (remote.site(issuer + name + words) if name in IN_ISSUER else
            remote.site(issuer) + f"<Location /x>\n{name}{words}\n</Location>")
    server = httpd(start=False, files={"keys/jwks.json": jwks})
    code, told = server.configtest(conf)
    assert (code == 0) == (count == 63), told
    assert (f"{name} takes at most 63 words" in told) == (count != 63)
