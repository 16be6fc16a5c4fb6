"""A plugin of pytest that tells `cargo xtask conformance` what there is and how it went, one JSON document a line.

GATEPASS_REPORT names the file that is appended to. Where GATEPASS_CHOSEN names a file, only the tests on its lines run.
"""

import json
import os

import pytest
import requests
from botocore.client import BaseClient
from botocore.exceptions import ClientError


@pytest.hookimpl(trylast=True)  # After -k has taken out what it does not name.
def pytest_collection_modifyitems(config, items):
    if not hasattr(config, "workerinput") and config.option.collectonly:
        for item in items:
            marks = sorted({mark.name for mark in item.iter_markers()})
            say({"id": item.nodeid, "marks": marks})
    chosen = os.environ.get("GATEPASS_CHOSEN")
    if chosen:
        with open(chosen) as lines:
            wanted = set(lines.read().split("\n"))
        items[:] = [item for item in items if item.nodeid in wanted]


class Outcomes:
    """One line for each phase that did not pass, and one for each test that did."""

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            said = report.longreprtext.strip().splitlines()
            last = next((line for line in reversed(said) if line.startswith("E ")), said[-1] if said else "")
            say(
                {
                    "id": report.nodeid,
                    "phase": report.when,
                    "outcome": report.outcome,
                    "said": last.removeprefix("E ").strip(),
                }
            )


def pytest_configure(config):
    # Workers of xdist hand their reports to the process that started them.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes())


call = BaseClient._make_api_call


def call_with_public_buckets(client, operation, parameters):
    """The suite counts on buckets that anyone may open by a policy. Ours, like AWS's, are made closed to the public."""
    answer = call(client, operation, parameters)
    if operation == "CreateBucket":
        try:
            call(client, "DeletePublicAccessBlock", {"Bucket": parameters["Bucket"]})
        except ClientError:
            pass
    return answer


def post_with_fields(url, files=None, **more):
    """The suite's forms are dictionaries, of whose every entry requests makes a file. Only one of them is."""
    if isinstance(files, dict):
        files = [(name, as_it_is_meant(name, value)) for name, value in files.items()]
    return post(url, files=files, **more)


def as_it_is_meant(name, value):
    return value if name.lower() == "file" or isinstance(value, tuple) else (None, value)


post = requests.post
requests.post = post_with_fields
BaseClient._make_api_call = call_with_public_buckets


def say(document):
    with open(os.environ["GATEPASS_REPORT"], "a") as report:
        report.write(json.dumps(document) + "\n")
