"""rclone copies a tree there and back and finds both sides equal."""

import hashlib
import os
import subprocess
import tempfile
import unittest
import uuid
from pathlib import Path

from clients import s3, send

MIB = 1024 * 1024


class Rclone(unittest.TestCase):
    def rclone(self, *words):
        environment = {
            **os.environ,
            "RCLONE_CONFIG": "/dev/null",
            "RCLONE_CONFIG_STORE_TYPE": "s3",
            "RCLONE_CONFIG_STORE_PROVIDER": "Other",
            "RCLONE_CONFIG_STORE_ENV_AUTH": "true",
            "RCLONE_CONFIG_STORE_ENDPOINT": os.environ["AWS_ENDPOINT_URL"],
            "RCLONE_CONFIG_STORE_REGION": "us-east-1",
        }
        # rclone 1.60 does not start where this names a bundle.
        environment.pop("AWS_CA_BUNDLE", None)
        done = subprocess.run(["rclone", *words], env=environment, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))
        return done.stdout

    def test_a_tree_goes_there_and_back(self):
        bucket = f"rclone-{uuid.uuid4()}"
        s3().create_bucket(Bucket=bucket)
        with tempfile.TemporaryDirectory() as scratch:
            tree = Path(scratch, "tree")
            (tree / "deep").mkdir(parents=True)
            (tree / "small").write_bytes(b"small")
            (tree / "deep" / "caf\u00e9 + ?#.bin").write_bytes(b"named oddly")
            (tree / "deep" / "large").write_bytes(hashlib.shake_256(b"rclone").digest(12 * MIB))
            self.rclone("copy", "--s3-upload-cutoff", "8M", "--s3-chunk-size", "5M", str(tree), f"store:{bucket}/tree")
            self.rclone("check", "--download", str(tree), f"store:{bucket}/tree")
            self.rclone("copy", f"store:{bucket}/tree", f"{scratch}/back")
            self.rclone("check", str(tree), f"{scratch}/back")
            self.rclone("purge", f"store:{bucket}/tree")
            self.assertEqual(self.rclone("lsf", "--recursive", f"store:{bucket}"), "")

    def test_a_link_is_honoured_until_it_is_changed(self):
        bucket = f"rclone-{uuid.uuid4()}"
        s3().create_bucket(Bucket=bucket)
        key = "deep/caf\u00e9 + ?#.txt"
        s3().put_object(Bucket=bucket, Key=key, Body=b"by a link")
        link = self.rclone("link", "--expire", "10m", f"store:{bucket}/{key}").strip()
        self.assertIn("X-Amz-Signature=", link)
        self.assertIn("X-Amz-Expires=600", link)
        answer = send("GET", link)
        self.assertEqual((answer.status, answer.body), (200, b"by a link"))
        longer = send("GET", link.replace("X-Amz-Expires=600", "X-Amz-Expires=601"))
        self.assertEqual((longer.status, longer.element("Code")), (403, "SignatureDoesNotMatch"))


if __name__ == "__main__":
    unittest.main()
