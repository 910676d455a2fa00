#!/usr/bin/env bash
# Builds what one line of the bench is compared with, for `make bench` to find. Needs Go, and its modules from their proxy.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$(dirname "$0")"
go build -o "$top/.tracker/cache/tools/bento" .
