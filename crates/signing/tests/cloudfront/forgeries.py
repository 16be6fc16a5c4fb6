"""Writes forgeries.txt: signatures over the policy of https://h.example/a until 1790000000, one good and seven forged.

    openssl genrsa -3 2048 > key.pem && openssl rsa -in key.pem -pubout -out ../keys/rsa2048.exponent3.public.pem
    python3 forgeries.py key.pem > forgeries.txt

The private key serves for those forgeries that are not made from the exponent alone, and need not be kept.
"""
import hashlib
import sys

from cryptography.hazmat.primitives import serialization

numbers = serialization.load_pem_private_key(open(sys.argv[1], "rb").read(), None).private_numbers()
n, e, d = numbers.public_numbers.n, numbers.public_numbers.e, numbers.d
assert e == 3
message = (
    b'{"Statement":[{"Resource":"https://h.example/a","Condition":{"DateLessThan":{"AWS:EpochTime":1790000000}}}]}'
)
PREFIX = {
    "SHA1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "SHA256": bytes.fromhex("3031300d060960864801650304020105000420"),
}
WITHOUT_NULL = {
    "SHA1": bytes.fromhex("301f300706052b0e03021a0414"),
    "SHA256": bytes.fromhex("302f300b0609608648016503040201" + "0420"),
}


def padded(info, kind=1, filler=0xFF):
    return bytes([0, kind]) + bytes([filler]) * (256 - 3 - len(info)) + b"\0" + info


def raw(block):
    return pow(int.from_bytes(block, "big"), d, n)


def cube_root_above(number):
    low, high = 0, 1 << 800
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**3 < number else (low, middle)
    return low


for name, digest in [("SHA1", hashlib.sha1(message).digest()), ("SHA256", hashlib.sha256(message).digest())]:
    info = PREFIX[name] + digest
    # Eight bytes of padding, the digest, and whatever makes the block a cube: no private key needed.
    start = b"\0\1" + b"\xff" * 8 + b"\0" + info
    root = cube_root_above(int.from_bytes(start + b"\0" * (256 - len(start)), "big"))
    assert root**3 < n and (root**3).to_bytes(256, "big").startswith(start)
    other = hashlib.sha256(b"another").digest()[: len(digest)]
    for case, signature in [
        ("genuine", raw(padded(info))),
        ("trailing-garbage", root),
        ("no-null", raw(padded(WITHOUT_NULL[name] + digest))),
        ("block-type-2", raw(padded(info, kind=2))),
        ("block-type-0", raw(padded(info, kind=0, filler=0))),
        ("other-padding", raw(padded(info, filler=0xFE))),
        ("bare-digest", raw(padded(digest))),
        ("other-digest", raw(padded(PREFIX[name] + other))),
    ]:
        print(case, name, signature.to_bytes(256, "big").hex())
