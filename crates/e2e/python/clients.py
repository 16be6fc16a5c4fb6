"""What the test files share: boto3 and s3cmd for the store under test, and a way to send a URL byte for byte.

The store's address and credentials come from the environment, as for any AWS tool.
"""

import http.client
import os
import subprocess
import uuid

import boto3
from botocore.config import Config


def s3(**options):
    """A client as a user of another S3 endpoint configures it: SigV4, path-style addresses."""
    settings = {"signature_version": "s3v4", "s3": {"addressing_style": "path"}, "retries": {"max_attempts": 0}}
    return boto3.client("s3", config=Config(**{**settings, **options}))


def new_bucket(client):
    """A bucket that no other test knows."""
    name = f"bucket-{uuid.uuid4()}"
    client.create_bucket(Bucket=name)
    return name


class S3cmd:
    """s3cmd with the configuration of a user of another S3 endpoint: host, path-style addresses, no HTTPS."""

    def __init__(self, scratch, **environment):
        self.environment = {**os.environ, **environment}
        host = os.environ["AWS_ENDPOINT_URL"].partition("://")[2]
        self.config = scratch / "s3cfg"
        self.config.write_text(
            f"[default]\nhost_base = {host}\nhost_bucket = {host}\nuse_https = False\nsignurl_use_https = False\n"
        )

    def __call__(self, *words):
        """Runs a command to its end and returns what it printed."""
        done = self.run(words)
        assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def fails(self, *words):
        """Runs a command that has to fail, and returns what it said."""
        done = self.run(words)
        assert done.returncode != 0, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def run(self, words):
        command = [os.environ["GATEPASS_S3CMD"], "--config", str(self.config), *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300)


class Answer:
    """An HTTP answer read to its end."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def element(self, name):
        """The text of one element of an error document, or None."""
        text = self.body.decode()
        _, opened, rest = text.partition(f"<{name}>")
        return rest.partition(f"</{name}>")[0] if opened else None


def send(method, url, headers=(), body=None):
    """Sends exactly this request target and these headers: nothing is normalised, added or folded."""
    scheme, _, rest = url.partition("://")
    authority, slash, target = rest.partition("/")
    assert scheme == "http", url
    connection = http.client.HTTPConnection(authority, timeout=30)
    connection.putrequest(method, slash + target, skip_host=True, skip_accept_encoding=True)
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        connection.putheader("Host", authority)
    if body is not None and "content-length" not in names:
        connection.putheader("Content-Length", str(len(body)))
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def credentials():
    """The root credentials that the environment carries."""
    return os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
