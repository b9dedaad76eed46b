#!/usr/bin/env bash
# Writes the plan of what changed since the commit before into the summary of the job. A plan informs: that it can't be made fails nothing.
set -euo pipefail
. "$GITHUB_ACTION_PATH/../slipway.sh"
[ -d "$GITHUB_WORKSPACE/$MANIFESTS" ] || exit 0 # as the step before has said
go_to_checkout "$MANIFESTS"

skip() {
  note PLAN_MISSING "$1"
  printf '### Plan\n\n%s\n' "$1" >>"$GITHUB_STEP_SUMMARY"
  exit 0
}

# As it was: the folder of the manifests at that commit, empty where it was not there yet.
before=$(mktemp -d "$RUNNER_TEMP/slipway-before.XXXXXX")
commit=$(git rev-parse --verify --quiet --end-of-options "$BASE^{commit}") ||
  skip 'There is no plan: the commit before the change is not in this clone. Check out with `fetch-depth: 2`, or pass `base`.'
if git cat-file -e "$commit:$inside" 2>/dev/null; then
  # By an index of its own: `git archive` leaves out what the repository's own attributes tell it to.
  GIT_INDEX_FILE=$before.index git read-tree "$commit:$inside"
  GIT_INDEX_FILE=$before.index git checkout-index --all --prefix="$before/"
fi

options=(--repo "$inside" --since "$before")
[ -z "$DEVICES" ] || options+=(--devices "$DEVICES")
[ -z "$PER_MINUTE" ] || options+=(--per-minute "$PER_MINUTE")
[ -n "$SLIPWAY_SERVER" ] || unset SLIPWAY_SERVER
[ -n "$SLIPWAY_TOKEN" ] || unset SLIPWAY_TOKEN
plan=$(slipway plan "${options[@]}" 2>"$before.error") ||
  skip "There is no plan: $(head -c 300 "$before.error" | tr '\n`' "  ")"
printf '### Plan\n\n~~~~~~~~text\n%s\n~~~~~~~~\n' "$plan" >>"$GITHUB_STEP_SUMMARY"
