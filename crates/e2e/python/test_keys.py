"""Every key is its own object, whatever its bytes: S3 has no directories and normalises nothing."""

import unittest

from clients import new_bucket, s3, send

# Each of these is a different key, and near another one that a careless server would confuse it with.
KEYS = [
    "plain",
    "with space",
    "with+plus",
    "with%20percent",
    "with%2Bpercent",
    "percent%",
    "percent%zz",
    "..",
    ".",
    "../up",
    "../../../../tmp/up",
    "a/../b",
    "a/./b",
    "a/b",
    "a//b",
    "a/b/",
    "//",
    "/leading",
    "leading",
    "question?mark",
    "hash#mark",
    "ampersand&equals=",
    "semi;colon:comma,",
    "quote'and\"more",
    "back\\slash",
    "tilde~and*star",
    "caf\u00e9",  # normal form C
    "cafe\u0301",  # normal form D
    "\u65e5\u672c\u8a9e",
    "\U0001f600",
    "line\nbreak\ttab",
    "k" * 1024,
    "\u00e9" * 512,
]


class Keys(unittest.TestCase):
    def setUp(self):
        self.client = s3()
        self.bucket = new_bucket(self.client)

    def test_each_key_is_a_distinct_object(self):
        bodies = {key: f"body {number}".encode() for number, key in enumerate(KEYS)}
        self.assertEqual(len(bodies), len(KEYS))
        for key, body in bodies.items():
            self.client.put_object(Bucket=self.bucket, Key=key, Body=body)
        for key, body in bodies.items():
            self.assertEqual(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read(), body, repr(key))
        for method in ("list_objects", "list_objects_v2"):
            pages = self.client.get_paginator(method).paginate(Bucket=self.bucket, PaginationConfig={"PageSize": 7})
            listed = [entry["Key"] for page in pages for entry in page["Contents"]]
            self.assertEqual(listed, sorted(KEYS, key=str.encode), method)

    def test_a_signed_url_carries_each_key_to_a_stranger(self):
        for number, key in enumerate(KEYS):
            named = {"Bucket": self.bucket, "Key": key}
            body = f"url {number}".encode()
            put = send("PUT", self.client.generate_presigned_url("put_object", named), body=body)
            self.assertEqual(put.status, 200, (key, put.body))
            got = send("GET", self.client.generate_presigned_url("get_object", named))
            self.assertEqual((got.status, got.body), (200, body), repr(key))

    def test_copies_and_deletions_name_keys_exactly(self):
        for key in KEYS:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=key.encode())
        target = new_bucket(self.client)
        for key in KEYS:
            self.client.copy_object(Bucket=target, Key=key, CopySource={"Bucket": self.bucket, "Key": key})
            self.assertEqual(self.client.get_object(Bucket=target, Key=key)["Body"].read(), key.encode(), repr(key))
        # An XML document cannot carry every character, so those keys are deleted one by one.
        for key in KEYS:
            self.client.delete_object(Bucket=target, Key=key)
            left = self.client.list_objects_v2(Bucket=target).get("Contents", [])
            self.assertNotIn(key, [entry["Key"] for entry in left])
        self.assertEqual(self.client.list_objects_v2(Bucket=target)["KeyCount"], 0)

    def test_a_key_of_1025_bytes_is_too_long(self):
        with self.assertRaises(self.client.exceptions.ClientError) as caught:
            self.client.put_object(Bucket=self.bucket, Key="k" * 1025, Body=b"")
        self.assertEqual(caught.exception.response["Error"]["Code"], "KeyTooLongError")


if __name__ == "__main__":
    unittest.main()
