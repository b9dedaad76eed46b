#!/usr/bin/env bash
# Checks documents and signatures; findings are annotations at their file and line.
set -euo pipefail
. "$GITHUB_ACTION_PATH/../slipway.sh"

case $SIGNATURES in
  require) [ -n "$TRUST$TRUST_POLICY" ] || fail TRUST_MISSING 'Signatures are required, and there is no trust policy: pass `trust` or `trust-policy`, or `signatures: ignore`.' ;;
  ignore) TRUST='' TRUST_POLICY='' ;;
  *) fail SIGNATURES_VALUE 'The input `signatures` is `require` or `ignore`.' ;;
esac
use_trust "$TRUST" "$TRUST_POLICY"
go_to_checkout "$MANIFESTS"
slipway validate --repo "$inside" --format github ${trust:+--trust "$trust"}
