"""Presigns with botocore: one JSON case a line on stdin, one URL a line on stdout.

The clock of the signer is set from each case. Clients are kept, since making one takes longer than signing.
"""

import datetime
import json
import sys

import botocore.auth
import botocore.session
from botocore.config import Config

clock = None
clients = {}


def current_datetime(remove_tzinfo=True):
    return clock.replace(tzinfo=None) if remove_tzinfo else clock


botocore.auth.get_current_datetime = current_datetime


def client_for(case):
    account = (case["endpoint"], case["region"], case["style"], case["access_key_id"], case["secret"], case["token"])
    if account not in clients:
        clients[account] = botocore.session.get_session().create_client(
            "s3",
            endpoint_url=case["endpoint"],
            region_name=case["region"],
            aws_access_key_id=case["access_key_id"],
            aws_secret_access_key=case["secret"],
            aws_session_token=case["token"],
            config=Config(signature_version="s3v4", s3={"addressing_style": case["style"]}),
        )
    return clients[account]


for line in sys.stdin:
    case = json.loads(line)
    clock = datetime.datetime.fromtimestamp(case["second"], tz=datetime.timezone.utc)
    url = client_for(case).generate_presigned_url(
        case["operation"],
        Params={"Bucket": case["bucket"], "Key": case["key"], **case["params"]},
        ExpiresIn=case["expires"],
    )
    print(url, flush=True)
