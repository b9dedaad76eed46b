// Owns the command line that makes the same request, ready to be copied: whoever runs it asks in their own name.
import { oneLine } from '../base/plain-text.ts';
import { shellWord } from '../base/shell-word.ts';
import type { PersonsRequest } from './request-edit.ts';

export function commandOf(rollout: string, request: PersonsRequest): string {
  const { verb, version, group, to, change = {}, reason } = request;
  const { parameters = {}, target } = change;
  const parameterWords = Object.entries(parameters).flatMap(([name, value]) => [
    '--parameter',
    `${name}=${value ?? ''}`,
  ]);
  const option = (name: string, value: string | undefined): string[] => (value === undefined ? [] : [name, value]);
  const words = [
    ...[verb, rollout],
    ...(verb === 'retry' && version !== undefined ? [version] : []),
    ...option('--group', group),
    ...(verb === 'set'
      ? [...option('--version', change.version), ...parameterWords, ...option('--target', target)]
      : []),
    ...(verb === 'undo' ? option('--to', to) : []),
    ...option('--reason', reason),
  ];
  return ['slipway', ...words.map((word) => shellWord(oneLine(word)))].join(' ');
}
