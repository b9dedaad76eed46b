// Owns what the kind of an output must mean: devices sum up one value, vector, count or text of each row.
import { MOST_COORDINATES, MOST_SCALARS } from '../declared-outputs.ts';
import { isClassName } from '../report-reader.ts';
import type { FieldPath } from '../source/document-source.ts';
import type { Problem } from '../source/problem.ts';
import type { ModelManifest, OutputTensor } from '../types.generated.ts';

type Wrong = readonly [field: keyof OutputTensor, message: string, remedy: string];

const PATH = ['spec', 'interface', 'outputs'];

export function checkOutputs({ interface: { outputs }, confidence }: ModelManifest['spec']): Problem[] {
  const problems = outputs.flatMap((output, index): Problem[] => {
    const wrong = findWrong(output, confidence !== undefined);
    return wrong === undefined ? [] : [problemOf(index, wrong)];
  });
  return [...problems, ...checkNumbers(outputs)];
}

function problemOf(index: number, [field, message, remedy]: Wrong): Problem {
  const path: FieldPath = [...PATH, index, field];
  return { code: 'MANIFEST_OUTPUT_KIND', path, message, remedy };
}

/** Rules name scalars, and read the one embedding, the one count and the one text that there are. */
function checkNumbers(outputs: readonly OutputTensor[]): Problem[] {
  const most = { scalar: MOST_SCALARS, embedding: 1, detections: 1, text: 1 } as const;
  const seen = new Map<string, number>();
  return outputs.flatMap(({ kind }, index): Problem[] => {
    if (kind === undefined || kind === 'classes') return [];
    const count = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, count);
    const scalars = (seen.get('scalar') ?? 0) + (seen.get('embedding') ?? 0);
    const isTooMany = count > most[kind] || (scalars > MOST_SCALARS && (kind === 'scalar' || kind === 'embedding'));
    if (!isTooMany) return [];
    const message =
      kind === 'scalar'
        ? `Devices sum up at most ${MOST_SCALARS} scalars and embeddings, and these are ${scalars}.`
        : `A model has at most one output of the kind \`${kind}\`.`;
    return [problemOf(index, ['kind', message, 'Leave out `kind` where no rule asks for the output.'])];
  });
}

function findWrong(output: OutputTensor, hasLeast: boolean): Wrong | undefined {
  const { name, kind, classes, classCount, centre, space } = output;
  const hasClasses = classes !== undefined || classCount !== undefined;
  if (centre !== undefined && kind !== 'scalar' && kind !== 'embedding')
    return ['centre', 'Only a `scalar` or an `embedding` has a centre.', 'Leave out `centre`.'];
  if (space !== undefined && kind !== 'embedding')
    return ['space', 'Only an `embedding` has a space.', 'Leave out `space`.'];
  if (kind === undefined) return undefined;
  if (kind === 'classes')
    return hasClasses
      ? undefined
      : ['kind', `"${name}" names no classes.`, 'Name them in `classes`, or give `classCount`.'];
  if (hasClasses) return ['kind', `"${name}" has classes, so it is no ${kind}.`, 'Leave out `kind`.'];
  if (!isClassName(name))
    return [
      'name',
      'Rules and reports name this output, and its name is too long or unprintable.',
      'Use a short name.',
    ];
  const problem = misfitOf(output, kind, hasLeast);
  if (problem === undefined) return undefined;
  return ['kind', `"${name}" is no ${kind}: ${problem}.`, 'Correct `kind`, or `type` and `shape`.'];
}

/** The dimensions of one row. */
function rowOf(shape: readonly number[]): readonly number[] {
  return shape.length > 1 ? shape.slice(1) : [];
}

function misfitOf({ type, shape }: OutputTensor, kind: string, hasLeast: boolean): string | undefined {
  const isOne = rowOf(shape).every((size) => size === 1) && !(shape.length === 1 && (shape[0] ?? 1) > 1);
  const isNumber = type !== 'bytes' && type !== 'bool';
  switch (kind) {
    case 'scalar':
      return isNumber && isOne ? undefined : 'a row must hold one number, as in [-1] or [-1, 1]';
    case 'embedding': {
      const width = (shape.length > 1 ? shape.slice(1) : shape).reduce((product, size) => product * size, 1);
      const fits = type.startsWith('float') && width >= 2 && width <= MOST_COORDINATES;
      return fits ? undefined : `a row must hold a vector of 2 to ${MOST_COORDINATES} floats, as in [-1, 384]`;
    }
    case 'detections':
      if (isNumber && isOne) return undefined;
      if (!type.startsWith('float') || shape.length !== 2)
        return 'a row must hold their number, as in [-1, 1], or a score for each, as in [-1, 100]';
      return hasLeast ? undefined : 'with scores, `confidence.least` must say from which score on a detection counts';
    default:
      return type !== 'bytes' || isOne ? undefined : 'a row must hold one text, as in [-1, 1]';
  }
}
