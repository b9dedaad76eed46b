// Owns findings as annotations of GitHub Actions: one workflow command a line, which no text of a finding can leave.

import type { CodedError } from '../base/errors.ts';
import { withoutControls } from '../base/plain-text.ts';

/** The runner undoes exactly these (actions/runner, ActionCommand). */
function dataOf(text: string): string {
  return withoutControls(text).replaceAll('%', '%25').replaceAll('\n', '%0A');
}

function propertyOf(text: string): string {
  return dataOf(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** `pathOf`: where a file of the repository lies for GitHub. */
export function annotationLine(
  level: 'error' | 'warning',
  { code, message, remedy, at }: CodedError,
  pathOf: (file: string) => string,
): string {
  const place = at === undefined ? [] : [`file=${propertyOf(pathOf(at.file))}`, `line=${at.line}`, `col=${at.column}`];
  const properties = [...place, `title=${propertyOf(code)}`].join(',');
  return `::${level} ${properties}::${dataOf(remedy === undefined ? message : `${message}\n${remedy}`)}`;
}
