#!/usr/bin/env bash
# Releases a version; what it became stands in the outputs and in the summary of the job.
set -euo pipefail
. "$GITHUB_ACTION_PATH/../slipway.sh"

use_trust "$TRUST" "$TRUST_POLICY"
cd -- "$GITHUB_WORKSPACE"

options=(--manifest "$MANIFEST" --repo "$REPOSITORY" --branch "$BRANCH")
# add FLAG VALUE: the option, where it has a value.
add() {
  [ -z "$2" ] || options+=("$1" "$2")
}
# lines_of TEXT: sets `lines` to the lines that say something.
lines_of() {
  mapfile -t lines < <(grep -v '^[[:space:]]*$' <<<"$1" || true)
}

case $SIGN in
  keyless) options+=(--keyless) ;;
  key) options+=(--key env://SLIPWAY_SIGNING_KEY) ;;
  signer) options+=(--signer "$SIGNER") ;;
  *) fail SIGN_VALUE 'The input `sign` is `keyless`, `key` or `signer`.' ;;
esac
add --signing-config "$SIGNING_CONFIG"
add --trusted-root "$TRUSTED_ROOT"
add --trust "$trust"
add --to "$TO"
add --message "$MESSAGE"
if [ "$PULL_REQUEST" = true ]; then
  options+=(--pull-request --host github)
  # A pull request belongs to the repository that is pushed to.
  if [[ $REPOSITORY == "$GITHUB_SERVER_URL"/*/* ]]; then
    GITHUB_REPOSITORY=${REPOSITORY#"$GITHUB_SERVER_URL/"}
    export GITHUB_REPOSITORY=${GITHUB_REPOSITORY%.git}
  fi
fi
[ "$DRY_RUN" != true ] || options+=(--dry-run)
lines_of "$ROLLOUTS"
for rollout in "${lines[@]}"; do options+=(--set "$rollout"); done
lines_of "$OPTIONS"
options+=("${lines[@]}")
lines_of "$FILES"

for variable in SLIPWAY_SERVER SLIPWAY_TOKEN SLIPWAY_GIT_TOKEN SLIPWAY_SIGNING_KEY COSIGN_PASSWORD; do
  [ -n "${!variable}" ] || unset "$variable"
done
for name in ACCESS_KEY_ID SECRET_ACCESS_KEY SESSION_TOKEN REGION ENDPOINT_URL; do
  given=STORE_$name
  [ -z "${!given}" ] || export "AWS_$name=${!given}"
  unset "$given"
done

result=$(mktemp "$RUNNER_TEMP/slipway-release.XXXXXX")
code=0
slipway release "${options[@]}" --json -- "${lines[@]}" >"$result" 2>"$result.errors" || code=$?
cat "$result"
grep -v '^{' "$result.errors" >&2 || true
node "$GITHUB_ACTION_PATH/report.mjs" "$result" "$result.errors"
exit "$code"
