"""What a test suite does below `gatepass exec`: it takes everything from the environment and configures nothing."""

import boto3
from botocore.config import Config

client = boto3.client("s3", config=Config(signature_version="s3v4"))
client.create_bucket(Bucket="from-the-environment")
client.put_object(Bucket="from-the-environment", Key="key", Body=b"body")
assert client.get_object(Bucket="from-the-environment", Key="key")["Body"].read() == b"body"
print("stored and read back")
