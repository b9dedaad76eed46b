#!/bin/sh
# A signer command: slipway sign models/m/1.0.0.yaml --signer 'examples/signer-openssl.sh ci.key'
# It reads a request from its standard input and prints the answer; docs/how-to/sign-in-ci.md describes both.
# A KMS or a token takes the place of the two lines that use the key.
set -eu
key=$1
bytes=$(sed 's/.*"bytes":"\([^"]*\)".*/\1/')
public_key=$(openssl pkey -in "$key" -pubout)
signature=$(printf %s "$bytes" | openssl base64 -d -A | openssl dgst -sha256 -sign "$key" | openssl base64 -A)
printf '{"publicKey":"%s","signature":"%s"}\n' "$(printf %s "$public_key" | awk '{ printf "%s\\n", $0 }')" "$signature"
