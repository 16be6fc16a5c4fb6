"""botocore's signers as judges: one JSON case a line on stdin, one JSON answer a line on stdout.

The clock of the signers is set from each case. Clients are kept, since making one takes longer than signing.
"""

import datetime
import json
import sys

import botocore.auth
import botocore.session
import botocore.signers
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.regions import EndpointRulesetResolver
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

clock = None
clients = {}
keys = {}


def current_datetime(remove_tzinfo=True):
    return clock.replace(tzinfo=None) if remove_tzinfo else clock


botocore.auth.get_current_datetime = current_datetime
botocore.signers.get_current_datetime = current_datetime
# Signature Version 2 counts from the epoch.
botocore.auth.time.time = lambda: clock.timestamp()

# Half of the time would go into finding the address of a bucket anew for each key. No rule of S3's looks at the key unless
# the bucket is a directory bucket.
provider_params = EndpointRulesetResolver._get_provider_params


def without_key(*args, **kwargs):
    params = provider_params(*args, **kwargs)
    params.pop("Key", None)
    return params


EndpointRulesetResolver._get_provider_params = without_key


def client(account, version):
    name = (json.dumps(account, sort_keys=True), version)
    if name not in clients:
        clients[name] = botocore.session.get_session().create_client(
            "s3",
            endpoint_url=account["endpoint"],
            region_name=account["region"],
            aws_access_key_id=account["access_key_id"],
            aws_secret_access_key=account["secret"],
            aws_session_token=account["token"],
            config=Config(signature_version=version, s3={"addressing_style": account["style"]}),
        )
    return clients[name]


def presign(case):
    return client(case["account"], case["version"]).generate_presigned_url(
        case["operation"],
        Params={"Bucket": case["bucket"], "Key": case["key"], **case["params"]},
        ExpiresIn=case["expires"],
    )


def header(case):
    account = case["account"]
    credentials = Credentials(account["access_key_id"], account["secret"], account["token"])
    request = AWSRequest(case["method"], case["url"], headers=case["headers"], data=case["body"].encode())
    request.context["payload_signing_enabled"] = True
    botocore.auth.S3SigV4Auth(credentials, "s3", account["region"]).add_auth(request)
    return dict(request.headers.items())


def post(case):
    return client(case["account"], case["version"]).generate_presigned_post(
        case["bucket"],
        case["key"],
        Fields=case["fields"],
        Conditions=case["conditions"],
        ExpiresIn=case["expires"],
    )


def cloudfront(case):
    if case["key"] not in keys:
        keys[case["key"]] = serialization.load_pem_private_key(case["key"].encode(), None)
    key = keys[case["key"]]
    signer = CloudFrontSigner(case["key_pair_id"], lambda text: key.sign(text, padding.PKCS1v15(), hashes.SHA1()))
    moment = lambda name: case[name] and datetime.datetime.fromtimestamp(case[name], tz=datetime.timezone.utc)
    if case["resource"] is None:
        return signer.generate_presigned_url(case["url"], date_less_than=moment("expires"))
    policy = signer.build_policy(case["resource"], moment("expires"), moment("starts"), case["viewers"])
    return signer.generate_presigned_url(case["url"], policy=policy)


ANSWERS = {"presign": presign, "header": header, "post": post, "cloudfront": cloudfront}

for line in sys.stdin:
    question = json.loads(line)
    clock = datetime.datetime.fromtimestamp(question["second"], tz=datetime.timezone.utc)
    sys.stdout.write(json.dumps(ANSWERS[question["kind"]](question["with"])) + "\n")
