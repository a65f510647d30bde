"""An authorization server: Django OAuth Toolkit on a loopback port.

    server.py FOLDER [PORT]

Its SQLite database in FOLDER is made when there is none. Prints one line of
JSON when it answers: its url, its clients with their secrets, and its user.
Ends at SIGTERM.
"""
import json
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

#: Characters that RFC 6749, 2.3.1 has encoded before they go into Basic.
GATEWAY, GATEWAY_SECRET = "gate:way", "100% s3cret & more: +/="
CLIENTS = {
    "pizza-app": ("pizza-app-secret", "client-credentials"),
    "phone-app": ("phone-app-secret", "password"),
    GATEWAY: (GATEWAY_SECRET, "client-credentials"),
}
USER = {"username": "alice", "password": "alice-secret"}


def configure(folder):
    settings.configure(
        SECRET_KEY="of no use outside a test",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="urls",
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes",
                        "oauth2_provider"],
        # where a slash is missing at the end of a path, it redirects
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3",
                               "NAME": Path(folder) / "db.sqlite3"}},
        # one user, whose password is known to everybody
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        OAUTH2_PROVIDER={
            "SCOPES": {"read": "", "write": "", "introspection": ""},
            "DEFAULT_SCOPES": ["read", "write"],
        })
    django.setup()


def fill():
    """The database and what is in it; what is there stays."""
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    for name, (secret, grant) in CLIENTS.items():
        Application.objects.get_or_create(client_id=name, defaults={
            "name": name, "client_secret": secret,
            "client_type": Application.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": grant})
    if not User.objects.filter(username=USER["username"]).exists():
        User.objects.create_user(**USER)


def serve(port):
    server = ThreadedWSGIServer(("127.0.0.1", port), WSGIRequestHandler)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    print(json.dumps({
        "url": f"http://127.0.0.1:{server.server_port}/o",
        "clients": {name: secret for name, (secret, _) in CLIENTS.items()},
        "gateway": GATEWAY, "user": USER}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    configure(sys.argv[1])
    fill()
    serve(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
