"""PostHog's library for Python, plain and gzipped. Arguments: edge, key, mark."""

import sys

from posthog import Posthog

edge, key, mark = sys.argv[1:]
failed = []


def note(error, items):
    failed.append(error)


for gzip in (False, True):
    client = Posthog(key, host=edge, gzip=gzip, max_retries=1, on_error=note)
    client.capture(mark, distinct_id=f"user-{mark}", properties={"revenue": 19.9, "gzip": gzip})
    client.capture(" ", distinct_id=f"user-{mark}")
    client.set(distinct_id=f"user-{mark}", properties={"email": "ann@example.com", "plan": "pro"})
    client.shutdown()
sys.exit(f"{failed}" if failed else 0)
