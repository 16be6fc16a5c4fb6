"""Writes botocore.txt: URLs that botocore's CloudFrontSigner signed with the RSA key of these tests.

    python3 botocore_urls.py > botocore.txt

Needs botocore and cryptography. botocore does not know Hash-Algorithm; for SHA-256 it is appended here, as AWS documents.
"""
import datetime
import pathlib

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

pem = (pathlib.Path(__file__).parent / "../keys/rsa2048.pkcs8.pem").read_bytes()
key = serialization.load_pem_private_key(pem, None)
moment = lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)

CANNED = [
    "https://d111111abcdef8.cloudfront.net/image.jpg",
    "http://d111111abcdef8.cloudfront.net/images/a%20b.jpg?size=large&license=yes",
    "https://cdn.example.com/?",
    "https://cdn.example.com/a//b/%C3%A9~(1)'!?x&y=&&z",
]
CUSTOM = [
    ("https://cdn.example.com/a/b.jpg?c=d", "https://cdn.example.com/a/*", None, None),
    ("https://cdn.example.com/a/b.jpg", "http*://cdn.example.com/?/b.jpg", 1_700_000_000, None),
    ("https://cdn.example.com/a/b.jpg?c=d", "https://cdn.example.com/a/b.jpg\\?c=d", 1_700_000_000, "192.0.2.0/24"),
]

for name, algorithm in [("SHA1", hashes.SHA1()), ("SHA256", hashes.SHA256())]:
    signer = CloudFrontSigner("KRSA", lambda message: key.sign(message, padding.PKCS1v15(), algorithm))
    suffix = "" if name == "SHA1" else "&Hash-Algorithm=SHA256"
    for url in CANNED:
        signed = signer.generate_presigned_url(url, date_less_than=moment(1_790_000_000))
        print(url, name, "-", 1_790_000_000, "-", "-", signed + suffix)
    for url, resource, start, address in CUSTOM:
        policy = signer.build_policy(
            resource, moment(1_790_000_000), start and moment(start), address
        )
        signed = signer.generate_presigned_url(url, policy=policy)
        print(url, name, resource, 1_790_000_000, start or "-", address or "-", signed + suffix)
