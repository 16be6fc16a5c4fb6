"""What a test suite does below `gatepass exec`: it takes everything from the environment and configures nothing."""

import urllib.request

import boto3

client = boto3.client("s3")
client.create_bucket(Bucket="from-the-environment")
client.put_object(Bucket="from-the-environment", Key="key", Body=b"body")
assert client.get_object(Bucket="from-the-environment", Key="key")["Body"].read() == b"body"

url = client.generate_presigned_url("get_object", Params={"Bucket": "from-the-environment", "Key": "key"})
assert "X-Amz-Signature" in url, url
assert urllib.request.urlopen(url, timeout=30).read() == b"body"
print("stored, read back, and fetched by a signed URL")
