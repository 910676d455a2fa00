"""Segment's library for Python. Arguments: edge, key, mark."""

import sys

import segment.analytics as analytics

edge, key, mark = sys.argv[1:]
failed = []
analytics.host, analytics.write_key, analytics.max_retries = edge, key, 1
analytics.gzip = True
analytics.on_error = lambda error, items: failed.append(error)

analytics.identify(f"user-{mark}", {"email": "ann@example.com", "plan": "pro"})
analytics.track(f"user-{mark}", mark, {"revenue": 19.9, "quantity": 2})
analytics.page(f"user-{mark}", "Docs", "Home", {"url": "https://shop.example/"})
analytics.shutdown()
sys.exit(f"{failed}" if failed else 0)
