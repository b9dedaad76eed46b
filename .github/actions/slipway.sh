# Owns what the actions share: Slipway installed from their own checkout, as a command, and the trust policy as a file.
# To be sourced by the scripts of the actions; the runner sets GITHUB_ACTION_PATH and RUNNER_TEMP.
slipway_root=$(cd -- "$GITHUB_ACTION_PATH/../../.." && pwd)

# Nothing of a package runs at install. A second action of the same job finds the packages of the first.
install_slipway() {
  [ -e "$slipway_root/node_modules/.package-lock.json" ] ||
    npm ci --prefix "$slipway_root" --omit=dev --ignore-scripts --no-audit --no-fund
}

slipway() {
  node "$slipway_root/src/cli/slipway.mjs" "$@"
}

# fail TITLE TEXT: one annotation, and the end of the step.
fail() {
  printf '::error title=%s::%s\n' "$1" "$2"
  exit 2
}

# use_trust FILE TEXT: sets `trust` to the trust policy, given as a file from the workspace or by its text; empty without either. A text may
# name the trusted root of the public Sigstore, which lies beside it as trusted_root.json.
use_trust() {
  [ -z "$1" ] || [ -z "$2" ] || fail TRUST_TWICE 'The trust policy is given twice: pass `trust` or `trust-policy`.'
  trust=$1
  [[ $1 == '' || $1 == /* ]] || trust=$GITHUB_WORKSPACE/$1
  [ -n "$2" ] || return 0
  local folder
  folder=$(mktemp -d "$RUNNER_TEMP/slipway-trust.XXXXXX")
  cp "$slipway_root/src/signing/keyless/public-trusted-root.json" "$folder/trusted_root.json"
  trust=$folder/trust-policy.yaml
  printf '%s\n' "$2" >"$trust"
}

# note TITLE TEXT: one warning that fails nothing.
note() {
  printf '::warning title=%s::%s\n' "$1" "$2"
}

# go_to_checkout FOLDER: to the root of the checkout that holds the folder, where annotations count from; sets `inside` to the folder
# as seen from there.
go_to_checkout() {
  cd -- "$GITHUB_WORKSPACE/$1" || fail FOLDER_MISSING 'There is no such folder in the workspace: check `path`, and that actions/checkout ran.'
  local prefix
  prefix=$(git rev-parse --show-prefix 2>/dev/null) || prefix=
  inside=./${prefix%/}
  cd -- "$(git rev-parse --show-toplevel 2>/dev/null || pwd)"
}
