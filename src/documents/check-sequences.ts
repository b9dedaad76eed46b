// Owns warnings of sequences: by a version without one, or with that of another, devices can't tell a step up from a step back.
import type { CodedError } from '../base/errors.ts';
import { locateProblems, type Problem } from '../contract/source/problem.ts';
import type { RepositoryFile } from './check-references.ts';

const MISSING: Problem = {
  code: 'MODEL_SEQUENCE',
  path: ['metadata', 'version'],
  message:
    "It has no `sequence`: whoever has the publication's keys can move devices to this version and away from it.",
  remedy: '`slipway sign` gives a version one before it signs it for the first time.',
};

/** A manifest that is not signed yet gets its sequence when it is. */
export function warnOfSequences(files: readonly RepositoryFile[], isSigned: (file: string) => boolean): CodedError[] {
  const taken = new Map<string, string>();
  return files.flatMap(({ file, parsed }): CodedError[] => {
    if (parsed.kind !== 'parsed' || parsed.document.kind !== 'ModelManifest') return [];
    const { name, version, sequence } = parsed.document.metadata;
    if (sequence === undefined) return isSigned(file) ? locateProblems(parsed.source, [MISSING]) : [];
    const other = taken.get(`${name} ${sequence}`);
    taken.set(`${name} ${sequence}`, other ?? version);
    if (other === undefined) return [];
    const message = `Version ${other} has the sequence ${sequence} as well: to devices, each is a step back from the other.`;
    const remedy = 'Give this version a higher one, and sign it again; under a new version if devices have it already.';
    const repeated = { code: 'MODEL_SEQUENCE_TWICE', path: ['metadata', 'sequence'], message, remedy };
    return locateProblems(parsed.source, [repeated]);
  });
}
