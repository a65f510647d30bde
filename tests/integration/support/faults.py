"""What goes wrong with a server that is asked for keys. Each is a function of
the handler and the issuer; `issuer.fault = faults.hang` switches it on."""
import contextlib
import gzip
import json
import socket
import struct
import time

#: Longer than anybody may wait.
FOREVER = 20


def status(number):
    def answer(h, _):
        h.reply(number, b"{}")
    return answer


def body(text, kind="application/json"):
    """`text` may be a function of the good key set."""
    def answer(h, issuer):
        it = text(issuer.jwks) if callable(text) else text
        h.reply(200, it if isinstance(it, bytes) else it.encode(), kind)
    return answer


def raw(data, then=lambda h: None):
    def answer(h, _):
        h.wfile.write(data)
        h.wfile.flush()
        then(h)
    return answer


def late(seconds):
    def answer(h, issuer):
        time.sleep(seconds)
        with contextlib.suppress(OSError):
            h.reply(200, issuer.jwks.encode())
    return answer


def redirect(h, issuer):
    h.reply(302, b"", Location=issuer.url + "/elsewhere")


def endless(h, _, piece=b" " * 65536, count=1600):
    """100 MB of white space, without a length."""
    h.send_response(200)
    h.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(count):
            h.wfile.write(piece)


def headers(count):
    def answer(h, issuer):
        h.reply(200, issuer.jwks.encode(),
                **{f"X-{i}": "x" * 200 for i in range(count)})
    return answer


def interim(h, _):
    """One "100 Continue" after the other."""
    with contextlib.suppress(OSError):
        for _ in range(100000):
            h.wfile.write(b"HTTP/1.1 100 Continue\r\nX-Pad: xxxxxxxx\r\n\r\n")


def sleep(h):
    time.sleep(FOREVER)


def drip(h, issuer):
    """One byte at a time."""
    text = issuer.jwks.encode()
    h.send_response(200)
    h.send_header("Content-Length", str(len(text)))
    h.end_headers()
    with contextlib.suppress(OSError):
        for byte in text:
            h.wfile.write(bytes([byte]))
            time.sleep(0.1)


def reset(h, _):
    """Closed with RST."""
    h.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
    h.connection.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LONG = HEAD + b"Content-Length: 1000\r\n\r\n{\"keys\":"
CHUNK = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def more_keys(count):
    def text(jwks):
        keys = json.loads(jwks)["keys"]
        return json.dumps({"keys": (keys * count)[:count]})
    return text


def padded(size):
    return lambda jwks: jwks + " " * (size - len(jwks))


def compressed(jwks):
    return gzip.compress(jwks.encode())


#: What the server does, and what the error log says of it.
TABLE = {
    "status-500": (status(500), "answered with status 500"),
    "status-429": (status(429), "answered with status 429"),
    "status-401": (status(401), "answered with status 401"),
    "status-404": (status(404), "answered with status 404"),
    "status-204": (raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
                   "answered with status 204"),
    "redirect": (redirect, "answered with status 302"),
    "html": (body("<html>login</html>", "text/html"), "JSON is malformed"),
    "nothing": (body(""), "JSON is malformed"),
    "cut-short": (body(lambda text: text[:-5]), "JSON is malformed"),
    "duplicate": (body(lambda text: '{"keys":[],' + text[1:]),
                  "JSON is malformed"),
    "bom": (body(lambda text: b"\xef\xbb\xbf" + text.encode()),
            "JSON is malformed"),
    "not-utf8": (body(lambda text: text.encode() + b"\xff"),
                 "JSON is malformed"),
    "nul": (body(lambda text: text + "\0"), "JSON holds NUL"),
    "trailing": (body(lambda text: text + "{}"), "JSON is malformed"),
    "deep": (body('{"keys":' + "[" * 40 + "]" * 40 + "}"), "nested too deep"),
    "many-values": (body('{"keys":[], "x": [' + "[]," * 60000 + "1]}"),
                    "too many values"),
    "array": (body("[]"), "JSON is no object"),
    "keys-object": (body('{"keys": {}}'), '"keys" is no array'),
    "no-keys": (body('{"keys": []}'), "no usable key"),
    "65-keys": (body(more_keys(65)), "more than 64 keys"),
    "gzip": (body(compressed), "JSON"),
    "over-512-kib": (body(padded(512 * 1024 + 1)),
                     "the answer is longer than allowed"),
    "100-mb": (endless, "the answer is longer than allowed"),
    "1000-headers": (headers(1000), "header fields are longer than allowed"),
    "interim": (interim, "header fields are longer than allowed"),
    "hang": (late(FOREVER), "timed out"),
    "hang-in-header": (raw(HEAD, sleep), "timed out"),
    "hang-in-body": (raw(LONG, sleep), "timed out"),
    "drip": (drip, "timed out"),
    "half-answer": (raw(LONG), "transfer closed"),
    "no-answer": (raw(b""), "Empty reply"),
    "reset": (reset, "reset by peer"),
    "not-http": (raw(b"hello\r\n"), "HTTP/0.9"),
    "broken-chunk": (raw(CHUNK + b"zz\r\n{}\r\n"), "chunk"),
    "half-chunk": (raw(CHUNK + b"fff\r\n{}"), "transfer closed"),
}
#: What is odd and good all the same.
ODD = {
    "late": late(0.3),
    "text-plain": body(lambda text: text, "text/plain"),
    "200-headers": headers(200),
    "64-keys": body(more_keys(64)),
    "512-kib": body(padded(512 * 1024)),
}


def no_type(h, issuer):
    text = issuer.jwks.encode()
    h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text)
                  + text)


def chunked(h, issuer):
    h.wfile.write(CHUNK)
    for byte in issuer.jwks.encode():
        h.wfile.write(b"1\r\n%c\r\n" % byte)
    h.wfile.write(b"0\r\n\r\n")


def until_close(h, issuer):
    h.wfile.write(HEAD + b"\r\n" + issuer.jwks.encode())


ODD.update({"no-type": no_type, "chunked": chunked,
            "until-close": until_close})
