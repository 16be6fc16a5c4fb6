"""Makes the fixtures of `gatepass explain`: URLs and forms that real clients sign, and what a strict store answers.

    GATEPASS_BIN=target/debug/gatepass python crates/e2e/python/explain_fixtures.py

Everything is fixed: the credentials are those of AWS's documentation, the clock of clients and store is NOW, and what differs
from run to run in an answer (request ids, seconds that passed) is written over. A second run changes no file.

What Gatepass's store does not answer (it has no KMS, no second region, no CloudFront) is marked `shaped` in `case.json`: its
form and text follow answers of Amazon's that users published.
"""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path
from unittest import mock

os.environ["TZ"] = "UTC"  # botocore reads dates for CloudFront in local time

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.signers
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "crates/doctor/tests/fixtures"
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TEMPORARY = "ASIAIOSFODNN7EXAMPLE"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLEtoken+of/nobody//" + "A" * 80 + "=="
REGION = "eu-central-1"
NOW = datetime.datetime(2026, 1, 15, 12, 0, 0)
HOUR = datetime.timedelta(hours=1)
HOST = f"photos.s3.{REGION}.amazonaws.com"
HOSTS = f"s3.{REGION}.amazonaws.com,s3.amazonaws.com,files.example.com,store.example.net"


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Clock:
    """botocore's clock, stopped."""

    def __init__(self, moment):
        self.moment = moment

    def __enter__(self):
        stopped = lambda *_, **__: self.moment  # noqa: E731
        self.patches = [
            mock.patch("botocore.auth.get_current_datetime", stopped),
            mock.patch("botocore.signers.get_current_datetime", stopped),
            mock.patch("time.time", lambda: self.moment.replace(tzinfo=datetime.timezone.utc).timestamp()),
        ]
        for patch in self.patches:
            patch.start()

    def __exit__(self, *_):
        for patch in self.patches:
            patch.stop()


def client(**options):
    """boto3 as it is configured for SigV4; `token`, `secret`, `key`, `endpoint`, `style`, `region`, `version` change it."""
    return boto3.client(
        "s3",
        region_name=options.get("region", REGION),
        endpoint_url=options.get("endpoint"),
        aws_access_key_id=options.get("key", KEY),
        aws_secret_access_key=options.get("secret", SECRET),
        aws_session_token=options.get("token"),
        config=Config(
            signature_version=options.get("version", "s3v4"),
            s3={"addressing_style": options.get("style", "virtual")},
        ),
    )


def presigned(operation="get_object", expires=900, at=NOW, parameters=None, **options):
    parameters = {"Bucket": "photos", "Key": "cat.jpg", **(parameters or {})}
    with Clock(at):
        return client(**options).generate_presigned_url(operation, Params=parameters, ExpiresIn=expires)


def posted(at=NOW, expires=3600, fields=None, conditions=None, **options):
    with Clock(at):
        return client(**options).generate_presigned_post(
            "photos", "uploads/${filename}", Fields=fields, Conditions=conditions, ExpiresIn=expires
        )


def signature(text):
    """SigV4's signature of a policy in whatever text, as of NOW."""
    key = ("AWS4" + SECRET).encode()
    for part in [NOW.strftime("%Y%m%d"), REGION, "s3", "aws4_request"]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def curl_form(form, **more):
    fields = {**form["fields"], **more}
    words = [f"-F '{name}={value}'" for name, value in fields.items()]
    return " \\\n  ".join([f"curl '{form['url']}'", *words, "-F 'file=@cat.jpg;type=image/jpeg'"])


def cloudfront(url, expires=None, policy=None):
    """botocore's signer with a key that is no key: the bytes of the signature are not checked offline."""

    def sign(message):
        return b"".join(hashlib.sha256(message + bytes([index])).digest() for index in range(8))

    signer = botocore.signers.CloudFrontSigner("K2JCJMDEHXQW5F", sign)
    return signer.generate_presigned_url(url, date_less_than=expires, policy=policy), signer


class Store:
    """A Gatepass store whose clock starts at NOW, and that knows itself under the names that the URLs have."""

    def __init__(self, program):
        self.scratch = tempfile.TemporaryDirectory()
        ready = Path(self.scratch.name) / "ready"
        environment = {**os.environ, "GATEPASS_ROOT_ACCESS_KEY": KEY, "GATEPASS_ROOT_SECRET_KEY": SECRET}
        command = [program, "store", "run", "--data", self.scratch.name + "/data", "--listen", "127.0.0.1:0"]
        command += ["--hosts", HOSTS, "--region", REGION, "--now", stamp(NOW), "--fsync", "never", "--ready-file", str(ready)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not ready.exists():
            assert self.process.poll() is None, "the store does not start"
            time.sleep(0.01)
        self.address = urllib.parse.urlsplit(json.loads(ready.read_text())["store"]).netloc
        with Clock(NOW):
            client(endpoint="http://" + self.address, style="path").create_bucket(
                Bucket="photos", CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        for key in ["cat.jpg", "my cat.jpg"]:
            status, _ = self.send("PUT", presigned("put_object", parameters={"Key": key}), body=b"meow")
            assert status == 200, status

    def send(self, method, url, headers=None, body=None, host=None):
        """Sends exactly this target to the store, with the host of the URL."""
        rest = url.split("://", 1)[1].split("#", 1)[0]
        authority, _, target = rest.partition("/")
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.putrequest(method, "/" + target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host or authority)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.scratch.cleanup()


def error(code, message, more="", ids=True):
    """An answer of Amazon's in its published form."""
    tail = "<RequestId>0000000000000000</RequestId><HostId>0000000000000000</HostId>" if ids else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>{more}{tail}</Error>"
    )


def settled(document):
    """An answer without what differs from run to run."""
    document = re.sub(r"<(RequestId|HostId)>[^<]*<", r"<\1>0000000000000000<", document)
    return re.sub(r"<ServerTime>[^<]*<", f"<ServerTime>{stamp(NOW)}<", document)


def write(name, text, answer=None, kind="url", made_by="boto3", shaped=False, **case):
    directory = FIXTURES / name
    directory.mkdir(parents=True)
    files = {"url": "url.txt", "curl": "curl.txt", "har": "request.har"}
    (directory / files[kind]).write_text(text + "\n")
    if answer is not None:
        (directory / "error.xml").write_text(settled(answer))
    document = {"expect": name.split(".")[0], "now": stamp(NOW), "made_by": made_by}
    if shaped:
        document["shaped"] = True
    (directory / "case.json").write_text(json.dumps({**document, **case}, indent=2) + "\n")


def har(method, url, status, answer="", headers=None, form=None):
    named = lambda pairs: [{"name": name, "value": value} for name, value in pairs.items()]  # noqa: E731
    request = {"method": method, "url": url, "httpVersion": "h2", "headers": named(headers or {}), "cookies": []}
    if form:
        parameters = [*named(form), {"name": "file", "fileName": "cat.jpg"}]
        request["postData"] = {"mimeType": "multipart/form-data; boundary=b", "params": parameters}
    page = {"startedDateTime": stamp(NOW), "time": 5, "request": {"method": "GET", "url": "https://app.example.com/"},
            "response": {"status": 200}}
    response = {"status": status, "headers": [], "content": {"mimeType": "application/xml", "text": settled(answer)}}
    entry = {"startedDateTime": stamp(NOW), "time": 5, "request": request, "response": response}
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "browser", "version": "1"}, "entries": [page, entry]}}, indent=1)


def of_time(store):
    url = presigned(at=NOW - 2 * HOUR, expires=3600)
    status, answer = store.send("GET", url)
    write("expired", url, answer, method="GET", status=status)
    write("expired.no_answer", url)
    write("expired.har", har("GET", url, status, answer, {"Origin": "https://app.example.com"}), kind="har")
    url = presigned(at=NOW + HOUR)
    status, answer = store.send("GET", url)
    write("not_yet_valid", url, answer, method="GET", status=status)
    url = presigned(expires=604801)
    status, answer = store.send("GET", url)
    write("expires_too_long", url, answer, method="GET", status=status)

    plain = f"https://{HOST}/cat.jpg"
    request = botocore.awsrequest.AWSRequest("GET", plain, headers={"host": HOST})
    with Clock(NOW - HOUR):
        botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(KEY, SECRET), "s3", REGION).add_auth(request)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    status, answer = store.send("GET", plain, headers)
    command = " \\\n  ".join([f"curl '{plain}'", *(f"-H '{name}: {value}'" for name, value in headers.items())])
    write("clock_skew", command, answer, kind="curl", status=status)


def of_keys(store):
    url = presigned(key=TEMPORARY, token=TOKEN)
    message = "The provided token has expired."
    answer = error("ExpiredToken", message, f"<Token-0>{TOKEN}</Token-0>")
    write("credentials_expired", url, answer, shaped=True, method="GET", status=400)
    url = presigned(secret=SECRET + " ")
    status, answer = store.send("GET", url)
    write("wrong_secret", url, answer, method="GET", status=status)
    write("wrong_secret.with_credentials", url, answer, method="GET", status=status, credentials=True)
    url = presigned(key="AKIAI44QH8DHBEXAMPLE")
    status, answer = store.send("GET", url)
    write("unknown_key", url, answer, method="GET", status=status)


def of_places(store):
    url = presigned(region="us-east-1", endpoint=f"https://s3.{REGION}.amazonaws.com")
    status, answer = store.send("GET", url)
    write("region_mismatch", url, answer, method="GET", status=status)
    write("region_mismatch.no_answer", url)

    url = presigned(endpoint="https://files.example.com", style="path")
    status, answer = store.send("GET", url, host="store.example.net")
    write("host_mismatch", url, answer, method="GET", status=status)
    with_port = presigned(endpoint="https://store.example.net:9000", style="path")
    write("host_mismatch.port", with_port.replace(":9000", ""), status=403, credentials=True)

    url = presigned(endpoint="http://minio:9000", style="path").replace("http://minio:9000", "https://files.example.com")
    status, answer = store.send("GET", url)
    write("public_endpoint", url, answer, method="GET", status=status, credentials=True, endpoint="http://minio:9000")
    write("public_endpoint.no_answer", presigned(endpoint="http://minio:9000", style="path"))

    path_style = presigned(endpoint=f"https://s3.{REGION}.amazonaws.com", style="path")
    url = path_style.replace(f"https://s3.{REGION}.amazonaws.com/photos/", f"https://{HOST}/")
    status, answer = store.send("GET", url)
    write("addressing_style", url, answer, method="GET", status=status, credentials=True)
    url = presigned(parameters={"Key": "photos/cat.jpg"})
    status, answer = store.send("GET", url)
    write("addressing_style.twice", url, answer, method="GET", status=status)

    url = presigned(endpoint="https://s3.amazonaws.com", style="virtual")
    answer = error(
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint.",
        "<Endpoint>photos.s3.eu-west-1.amazonaws.com</Endpoint><Bucket>photos</Bucket>",
    )
    write("permanent_redirect", url, answer, shaped=True, method="GET", status=301)


def of_the_url(store):
    def sent(name, url, **more):
        method = more.pop("method", "GET")
        status, answer = store.send(method, url)
        write(name, url, answer, method=method, status=status, **more)

    spaced = presigned(parameters={"Key": "my cat.jpg"})
    sent("double_encoded_key", spaced.replace("my%20cat", "my%2520cat"))
    sent("double_encoded_key.with_credentials", spaced.replace("my%20cat", "my%2520cat"), credentials=True)
    sent("double_encoded_key.missing", presigned(parameters={"Key": "my%20cat.jpg"}))
    asked = presigned(parameters={"Key": "who?.jpg"})
    sent("decoded_key", asked.replace("who%3F", "who?"))
    literal = presigned(parameters={"Key": "100%25.jpg"})
    sent("decoded_key.with_credentials", literal.replace("100%2525", "100%25"), credentials=True)
    write("decoded_key.hash", presigned(parameters={"Key": "no#1.jpg"}).replace("no%231", "no#1"), credentials=True)
    sent("plus_for_space", spaced.replace("my%20cat", "my+cat"))
    sent("plus_for_space.with_credentials", spaced.replace("my%20cat", "my+cat"), credentials=True)

    url = presigned()
    sent("html_escaped", url.replace("&", "&amp;"))
    sent("truncated", url[: url.index("X-Amz-Signature=") + 40])
    write("truncated.shell", f"curl -o cat.jpg {url}", kind="curl")
    sent("query_modified", url + "&utm_source=newsletter&utm_medium=email")
    sent("query_modified.with_credentials", url + "&download=1", credentials=True)
    sent("no_such_key", presigned(parameters={"Key": "dog.jpg"}))
    status, answer = store.send("GET", url, {"Authorization": "Bearer of-the-application"})
    write("two_mechanisms", f"curl -H 'Authorization: Bearer of-the-application' '{url}'", answer, kind="curl", status=status)
    sent("sigv2_refused", presigned(region="us-east-1", endpoint=f"https://{HOST[7:]}", version="s3-query"))


def of_headers(store):
    url = presigned("put_object", parameters={"ContentType": "text/plain"})
    status, answer = store.send("PUT", url, {"Content-Type": "text/plain; charset=utf-8"}, b"meow")
    command = f"curl -T notes.txt -H 'Content-Type: text/plain; charset=utf-8' '{url}'"
    write("signed_header_mismatch", command, answer, kind="curl", status=status)
    write("signed_header_mismatch.with_credentials", command, answer, kind="curl", status=status, credentials=True)
    status, answer = store.send("PUT", url, {"Content-Type": "application/x-www-form-urlencoded"}, b"meow")
    write("signed_header_mismatch.form", f"curl -X PUT -d @notes.txt '{url}'", answer, kind="curl", status=status, credentials=True)

    url = presigned("put_object")
    status, answer = store.send("PUT", url, {"x-amz-acl": "private"}, b"meow")
    write("unsigned_header", f"curl -T cat.jpg -H 'x-amz-acl: private' '{url}'", answer, kind="curl", status=status)
    status, answer = store.send("HEAD", presigned())
    write("method_mismatch.head", f"curl -I '{presigned()}'", kind="curl", status=status, credentials=True)


def of_sigv2():
    """Old signatures of a store that still takes them; nothing else would know whether they are right."""
    url = presigned(region="us-east-1", version="s3-query")
    write("method_mismatch.sigv2", url, method="PUT", status=403, credentials=True)
    spaced = presigned(region="us-east-1", version="s3-query", parameters={"Key": "my cat.jpg"})
    write("double_encoded_key.sigv2", spaced.replace("my%20cat", "my%2520cat"), method="GET", status=403, credentials=True)
    typed = presigned("put_object", region="us-east-1", version="s3-query")
    write("signed_header_mismatch.sigv2", f"curl -X PUT -d @cat.txt '{typed}'", kind="curl", status=403, credentials=True)


def of_javascript(store):
    program = os.environ.get("GATEPASS_NODE", "node")
    script = ROOT / "crates/e2e/js/explain_fixtures.mjs"
    urls = json.loads(subprocess.check_output([program, str(script), KEY, SECRET, REGION, stamp(NOW)], cwd=script.parent))
    sdk = "AWS SDK for JavaScript"
    status, answer = store.send("GET", urls["put"])
    write("method_mismatch", urls["put"], answer, made_by=sdk, method="GET", status=status)
    status, answer = store.send("PUT", urls["tagged"], body=b"meow")
    assert status == 200, answer
    write("hoisted_ignored", urls["tagged"], made_by=sdk, method="PUT", status=status)
    message = "The CRC32 you specified did not match the calculated checksum."
    write("empty_body_checksum", urls["checksummed"], error("BadDigest", message), made_by=sdk, shaped=True, method="PUT", status=400)
    write("expired.javascript", urls["get"], now=stamp(NOW + HOUR), made_by=sdk)


def of_encryption():
    message = (
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the "
        "object."
    )
    write("ssec_headers_missing", presigned(), error("InvalidRequest", message), shaped=True, method="GET", status=400)
    message = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
    more = "<ArgumentName>Authorization</ArgumentName><ArgumentValue>null</ArgumentValue>"
    url = presigned(region="us-east-1", version="s3-query")
    write("kms_needs_sigv4", url, error("InvalidArgument", message, more), shaped=True, method="GET", status=400)
    message = (
        "User: arn:aws:sts::123456789012:assumed-role/web/session is not authorized to perform: s3:GetObject on resource: "
        '"arn:aws:s3:::photos/cat.jpg" because no session policy allows the s3:GetObject action'
    )
    write("access_denied_by_policy", presigned(), error("AccessDenied", message), shaped=True, method="GET", status=403)
    plain = error("AccessDenied", "Access Denied")
    write("access_denied_by_policy.plain", presigned(key=TEMPORARY, token=TOKEN), plain, shaped=True, method="GET", status=403)


def of_forms():
    prefix = "Invalid according to Policy: "
    form = posted(fields={"Content-Type": "image/png"}, conditions=[{"Content-Type": "image/png"}])
    failed = error("AccessDenied", prefix + 'Policy Condition failed: ["eq", "$Content-Type", "image/png"]')
    command = curl_form(form, **{"Content-Type": "image/jpeg"})
    write("policy_condition_failed", command, failed, kind="curl", shaped=True, status=403)
    write("policy_condition_failed.no_answer", command, kind="curl")
    command = curl_form(posted(), **{"x-amz-meta-album": "cats"})
    extra = error("AccessDenied", prefix + "Extra input fields: x-amz-meta-album")
    write("policy_extra_field", command, extra, kind="curl", shaped=True, status=403)
    write("policy_extra_field.no_answer", command, kind="curl")
    write("policy_condition_failed.no_size", curl_form(posted(conditions=[["content-length-range", 10, 5]])), kind="curl")
    form = posted(at=NOW - 2 * HOUR)
    late = error("AccessDenied", prefix + "Policy expired.")
    write("policy_expired", curl_form(form), late, kind="curl", shaped=True, status=403)
    write("policy_expired.har", har("POST", form["url"], 403, late, form=form["fields"]), kind="har", shaped=True)


def of_signatures_of_forms():
    def refused(name, form, made_by="boto3"):
        more = f"<AWSAccessKeyId>{KEY}</AWSAccessKeyId><StringToSign>{form['fields']['policy']}</StringToSign>"
        more += f"<SignatureProvided>{form['fields']['x-amz-signature']}</SignatureProvided>"
        message = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
        answer = error("SignatureDoesNotMatch", message, more)
        write(name, curl_form(form), answer, kind="curl", made_by=made_by, shaped=True, status=403, credentials=True)

    refused("wrong_secret.form", posted(secret=SECRET + " "))
    form = posted(region="us-east-1")
    form["url"] = f"https://{HOST}/"
    form["fields"]["x-amz-credential"] = form["fields"]["x-amz-credential"].replace("us-east-1", REGION)
    refused("region_mismatch.form", form)
    # MIME's base64 comes in lines, which a page does not keep.
    form = posted()
    lines = base64.encodebytes(base64.b64decode(form["fields"]["policy"])).decode()
    form["fields"]["x-amz-signature"] = signature(lines)
    refused("policy_modified", form, made_by="Python's base64.encodebytes")
    form = posted(conditions=[["starts-with", "$x-amz-meta-note", "~~~>>>"]])
    assert "+" in form["fields"]["policy"]
    form["fields"]["policy"] = form["fields"]["policy"].replace("+", " ")
    write("policy_modified.no_answer", curl_form(form, **{"x-amz-meta-note": "~~~>>>"}), kind="curl", credentials=True)


def of_cloudfront():
    def refused(code, message):
        return error(code, message, ids=False)

    base = "https://d111111abcdef8.cloudfront.net/private/cat.jpg"
    url, signer = cloudfront(base, NOW + HOUR)
    denied = refused("AccessDenied", "Access denied")
    elsewhere = signer.build_policy("https://d111111abcdef8.cloudfront.net/public/*", NOW + HOUR)
    custom, _ = cloudfront(base, policy=elsewhere)
    by = {"made_by": "botocore's CloudFrontSigner", "method": "GET", "status": 403}
    write("cloudfront_denied", url + "&size=small", denied, shaped=True, **by)
    write("cloudfront_denied.resource", custom, denied, shaped=True, **by)
    late, _ = cloudfront(base, NOW - HOUR)
    write("expired.cloudfront", late, denied, shaped=True, **by)
    write("cloudfront_unknown_key", url, refused("InvalidKey", "Unknown Key"), shaped=True, **by)
    milliseconds = re.sub(r"Expires=(\d+)", r"Expires=\g<1>000", url)
    malformed = refused("MalformedPolicy", "Malformed Policy")
    write("cloudfront_malformed_policy", milliseconds, malformed, shaped=True, **by)
    write("cloudfront_malformed_policy.no_answer", milliseconds, **by)
    query = urllib.parse.parse_qs(custom.split("?", 1)[1])
    cookies = "; ".join(f"CloudFront-{name}={query[name][0]}" for name in ["Policy", "Signature", "Key-Pair-Id"])
    write("cloudfront_denied.cookies", f"curl -b '{cookies}' '{base}'", denied, kind="curl", shaped=True,
          made_by=by["made_by"], status=403)


def main():
    program = os.environ.get("GATEPASS_BIN", str(ROOT / "target/debug/gatepass"))
    for directory in FIXTURES.iterdir() if FIXTURES.exists() else []:
        if directory.is_dir():
            shutil.rmtree(directory)
    store = Store(program)
    try:
        for make in [of_time, of_keys, of_places, of_the_url, of_headers, of_javascript]:
            make(store)
    finally:
        store.close()
    for make in [of_sigv2, of_encryption, of_forms, of_signatures_of_forms, of_cloudfront]:
        make()
    made = sorted(directory.name for directory in FIXTURES.iterdir() if directory.is_dir())
    sys.stdout.write(f"{len(made)} fixtures\n")


if __name__ == "__main__":
    main()
