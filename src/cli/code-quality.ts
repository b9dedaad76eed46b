// Owns findings as a Code Quality report, which GitLab shows at their lines in a merge request.

import { createHash } from 'node:crypto';
import type { CodedError } from '../base/errors.ts';
import { withoutControls } from '../base/plain-text.ts';

/** GitLab takes a finding for the same as before by this: its line may move. */
function fingerprintOf(code: string, file: string, message: string): string {
  return createHash('sha256')
    .update(JSON.stringify([code, file, message]))
    .digest('hex');
}

function entryOf(
  severity: 'major' | 'minor',
  { code, message, remedy, at }: CodedError,
  pathOf: (file: string) => string,
) {
  const path = at === undefined ? 'slipway.yaml' : pathOf(at.file);
  return {
    description: withoutControls(`${message} ${remedy ?? ''}`.trim()),
    check_name: code,
    fingerprint: fingerprintOf(code, path, message),
    severity,
    location: { path, lines: { begin: at?.line ?? 1 } },
  };
}

/** The text of the report; a finding without a place stands at the settings of the repository. */
export function codeQualityReport(
  errors: readonly CodedError[],
  warnings: readonly CodedError[],
  pathOf: (file: string) => string,
): string {
  const entries = [
    ...errors.map((one) => entryOf('major', one, pathOf)),
    ...warnings.map((one) => entryOf('minor', one, pathOf)),
  ];
  return JSON.stringify(entries, null, 2);
}
