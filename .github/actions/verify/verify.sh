#!/usr/bin/env bash
# Checks signatures of files; each refused one is an annotation at the file.
set -euo pipefail
. "$GITHUB_ACTION_PATH/../slipway.sh"

use_trust "$TRUST" "$TRUST_POLICY"
[ -n "$trust" ] || fail TRUST_MISSING 'There is no trust policy: pass `trust` or `trust-policy`.'
cd -- "$GITHUB_WORKSPACE"
mapfile -t files < <(grep -v '^[[:space:]]*$' <<<"$FILES" || true)
[ "${#files[@]}" -gt 0 ] || fail FILES_MISSING 'The input `files` names no file.'
slipway verify --format github --trust "$trust" -- "${files[@]}"
