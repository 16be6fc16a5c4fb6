"""The AWS CLI as people type it, and curl with what the CLI presigned."""

import hashlib
import os
import subprocess
import tempfile
import time
import unittest
import uuid
from pathlib import Path

AWS = os.environ["GATEPASS_AWS"]
MIB = 1024 * 1024

# The CLI reads this file: without it version 1 presigns with the old signature in us-east-1.
CONFIG = """[default]
s3 =
    signature_version = s3v4
    addressing_style = path
"""


def run(*words):
    """Runs a command to its end and returns what it printed."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (words[:3], done.returncode, done.stdout, done.stderr)
    return done.stdout


class Cli(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        config = self.scratch / "config"
        config.write_text(CONFIG)
        os.environ["AWS_CONFIG_FILE"] = str(config)
        self.bucket = f"cli-{uuid.uuid4()}"
        self.s3("mb", f"s3://{self.bucket}")

    def s3(self, *words):
        return run(AWS, "s3", *words)

    def file(self, name, body):
        path = self.scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return path

    def test_a_file_of_20_mib_goes_up_in_parts_and_comes_back(self):
        body = hashlib.shake_256(b"cli").digest(20 * MIB)
        large = self.file("large", body)
        self.s3("cp", str(large), f"s3://{self.bucket}/large")
        head = run(AWS, "s3api", "head-object", "--bucket", self.bucket, "--key", "large", "--query", "ETag")
        self.assertRegex(head, r"-3\\?\"")
        back = self.scratch / "back"
        self.s3("cp", f"s3://{self.bucket}/large", str(back))
        self.assertEqual(back.read_bytes(), body)

    def test_a_tree_is_synchronised_listed_and_removed(self):
        tree = {"one.txt": b"1", "deep/two.txt": b"22", "deep/er/three +%.txt": b"333"}
        for name, body in tree.items():
            an_hour_ago = time.time() - 3600  # the CLI takes a file as changed that is younger than its object
            os.utime(self.file(f"tree/{name}", body), (an_hour_ago, an_hour_ago))
        self.s3("sync", str(self.scratch / "tree"), f"s3://{self.bucket}/tree")
        listed = self.s3("ls", "--recursive", f"s3://{self.bucket}/")
        for name, body in tree.items():
            self.assertRegex(listed, rf" {len(body)} tree/{name}".replace("+", r"\+"))
        self.assertIn("PRE tree/", self.s3("ls", f"s3://{self.bucket}/"))
        again = self.s3("sync", str(self.scratch / "tree"), f"s3://{self.bucket}/tree")
        self.assertEqual(again, "", "an unchanged tree is not sent twice")
        self.s3("sync", f"s3://{self.bucket}/tree", str(self.scratch / "copy"))
        for name, body in tree.items():
            self.assertEqual((self.scratch / "copy" / name).read_bytes(), body)
        self.s3("rm", "--recursive", f"s3://{self.bucket}/")
        self.assertEqual(self.s3("ls", "--recursive", f"s3://{self.bucket}/"), "")
        self.s3("rb", f"s3://{self.bucket}")
        self.assertNotIn(self.bucket, self.s3("ls"))

    def test_curl_fetches_what_the_cli_presigned(self):
        body = b"for a stranger"
        self.s3("cp", str(self.file("it", body)), f"s3://{self.bucket}/a folder/it.txt")
        url = self.s3("presign", f"s3://{self.bucket}/a folder/it.txt", "--expires-in", "60").strip()
        self.assertIn("X-Amz-Signature=", url)
        fetched = self.scratch / "fetched"
        run("curl", "--silent", "--show-error", "--fail", "--output", str(fetched), url)
        self.assertEqual(fetched.read_bytes(), body)

    def test_curl_signs_for_itself(self):
        """curl's own SigV4, which is neither botocore's nor ours."""
        endpoint = os.environ["AWS_ENDPOINT_URL"]
        signed = [
            "--aws-sigv4",
            "aws:amz:us-east-1:s3",
            "--user",
            f"{os.environ['AWS_ACCESS_KEY_ID']}:{os.environ['AWS_SECRET_ACCESS_KEY']}",
            "--header",
            "x-amz-content-sha256: UNSIGNED-PAYLOAD",
        ]
        quiet = ["curl", "--silent", "--show-error", "--fail"]
        source = self.file("mine", b"by curl")
        run(*quiet, *signed, "--upload-file", str(source), f"{endpoint}/{self.bucket}/mine")
        self.assertEqual(run(*quiet, *signed, f"{endpoint}/{self.bucket}/mine"), "by curl")

    def test_who_am_i(self):
        account = run(AWS, "sts", "get-caller-identity", "--query", "Account", "--output", "text").strip()
        self.assertRegex(account, r"^\d{12}$")


if __name__ == "__main__":
    unittest.main()
