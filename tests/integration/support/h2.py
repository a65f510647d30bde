"""HTTP/2 by curl."""
import json
import subprocess

from support import client


def request(url, *headers, how="--http2-prior-knowledge", method="GET",
            body=None):
    """One request; header fields are pairs. All travels by standard input,
    not on the command line. Returns the answer and its version."""
    config = f"url = {json.dumps(url)}\n"
    config += "".join(f"header = {json.dumps(f'{k}: {v}')}\n"
                      for k, v in headers)
    if body is not None:
        config += f"data-binary = {json.dumps(body)}\n"
        method = "POST"
    done = subprocess.run(
        ["curl", "-sk", "--max-time", "20", how, "-X", method, "-D", "-",
         "-K", "-", "-w", "\n%{http_version}"],
        input=config.encode(), capture_output=True, timeout=30, check=True)
    data, _, version = done.stdout.rpartition(b"\n")
    if data.startswith(b"HTTP/1.1 101"):
        data = data.partition(b"\r\n\r\n")[2]
    return client.parse(data), version.decode()
