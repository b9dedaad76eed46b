// Owns what a manifest must mean beyond its schema: variants that differ, examples that fit the interface, safe addresses.
import { hexOf } from '../digest.ts';
import { parseDurationMs, parsePercent } from '../duration.ts';
import { isClassName } from '../report-reader.ts';
import type { FieldPath } from '../source/document-source.ts';
import { findTextProblem, type Problem } from '../source/problem.ts';
import { parseSustainedLimit } from '../sustained-limit.ts';
import type { InputTensor, ModelManifest, OutputTensor, Variant } from '../types.generated.ts';
import { checkExample } from './check-example.ts';
import { checkOutputs } from './check-outputs.ts';

type Interface = ModelManifest['spec']['interface'];

export function checkModelManifest({ metadata, spec }: ModelManifest): Problem[] {
  const problems: Problem[] = [];
  if (metadata.version === 'latest') {
    const message = 'Rollouts write `latest` for the newest version, so no version can have this name.';
    problems.push({
      code: 'MANIFEST_VERSION',
      path: ['metadata', 'version'],
      message,
      remedy: 'Give it a version such as `1.4.0`.',
    });
  }
  if (spec.lineage?.parent === metadata.version) {
    const message = "A version can't be its own parent.";
    problems.push({
      code: 'MANIFEST_PARENT',
      path: ['spec', 'lineage', 'parent'],
      message,
      remedy: 'Name the version it was trained from, or leave out `parent`.',
    });
  }
  problems.push(
    ...checkInterface(spec.interface),
    ...checkOutputs(spec),
    ...checkVariants(spec.variants, spec.interface),
    ...checkHealth(spec.health),
  );
  for (const [index, example] of (spec.examples ?? []).entries()) {
    problems.push(...checkExample(example, spec.interface, ['spec', 'examples', index]));
  }
  return problems;
}

function checkInterface(tensors: Interface): Problem[] {
  return (['inputs', 'outputs'] as const).flatMap((side) => {
    const seen = new Set<string>();
    return tensors[side].flatMap((tensor: InputTensor | OutputTensor, index): Problem[] => {
      const path = ['spec', 'interface', side, index];
      const problems = checkShape(tensor, path);
      if (seen.has(tensor.name)) {
        const message = `Two tensors of the ${side} are named "${tensor.name}".`;
        problems.push({
          code: 'MANIFEST_TENSOR_NAME',
          path: [...path, 'name'],
          message,
          remedy: 'Give each a unique name.',
        });
      }
      seen.add(tensor.name);
      return problems;
    });
  });
}

function checkShape(tensor: InputTensor | OutputTensor, path: FieldPath): Problem[] {
  const zero = tensor.shape.indexOf(0);
  if (zero >= 0) {
    const message = 'A dimension of 0 makes the tensor empty.';
    return [
      {
        code: 'MANIFEST_TENSOR_SHAPE',
        path: [...path, 'shape', zero],
        message,
        remedy: 'Write its size, or -1 for any.',
      },
    ];
  }
  return 'classes' in tensor || 'classCount' in tensor ? checkClasses(tensor, path) : [];
}

/** Scores of a row are those of its classes: where an answer has several judgements a row, nobody could say which of them counts. */
function checkClasses({ name, type, shape, classes, classCount }: OutputTensor, path: FieldPath): Problem[] {
  const wrong = (message: string, remedy: string): Problem[] => [
    { code: 'MANIFEST_CLASSES', path: [...path, classes === undefined ? 'classCount' : 'classes'], message, remedy },
  ];
  if (classes !== undefined && classCount !== undefined)
    return wrong(`"${name}" has both \`classes\` and \`classCount\`.`, 'Keep one of them.');
  const odd = classes?.find((one) => !isClassName(one));
  if (odd !== undefined)
    return wrong(`${JSON.stringify(odd)} can't name a class in reports.`, 'Use a name without control characters.');
  const count = classes?.length ?? classCount ?? 0;
  if (count === 0) return [];
  if (type === 'bytes')
    return wrong(`"${name}" holds texts, and classes need scores.`, 'Name the output that holds the scores.');
  const row = shape.length > 1 ? shape.slice(1) : shape;
  const fixed = row.reduce((product, size) => product * Math.max(1, size), 1);
  const open = row.filter((size) => size < 0).length;
  const isOneRow = open === 0 ? fixed === count : open === 1 && fixed < Math.max(2, count) && count % fixed === 0;
  if (isOneRow) return [];
  const holds = open === 0 ? `${fixed} values` : 'any number of judgements';
  return wrong(
    `A row of "${name}" holds ${holds}, and there are ${count} classes.`,
    'Name one class for each value of a row, or leave the classes out.',
  );
}

function checkVariants(variants: readonly Variant[], { outputs }: Interface): Problem[] {
  const seen = new Set<string>();
  const needsLabels = outputs.some(({ classCount }) => classCount !== undefined);
  return variants.flatMap((variant, index): Problem[] => {
    const path = ['spec', 'variants', index];
    const problems = checkFiles(variant, path);
    const labels = variant.files.filter(({ role }) => role === 'labels').length;
    if (needsLabels && labels !== 1) {
      const message = `\`classCount\` takes the names from the variant's file with the role \`labels\`, and it has ${labels}.`;
      problems.push({
        code: 'MANIFEST_CLASSES',
        path: [...path, 'files'],
        message,
        remedy: 'Give exactly one file the role `labels`.',
      });
    }
    const key = JSON.stringify([variant.platform, [...(variant.capabilities ?? [])].sort()]);
    if (seen.has(key)) {
      const message = 'An earlier variant has the same platform and capabilities, so no device ever takes this one.';
      problems.push({
        code: 'MANIFEST_VARIANT_TWICE',
        path,
        message,
        remedy: 'Remove one, or give them different platforms or capabilities.',
      });
    }
    seen.add(key);
    return problems;
  });
}

function checkFiles({ files }: Variant, path: FieldPath): Problem[] {
  const problems: Problem[] = [];
  const models = files.filter(({ role }) => role === 'model').length;
  if (models !== 1) {
    const message =
      models === 0
        ? 'The variant has no file with the role `model`.'
        : `The variant has ${models} files with the role \`model\`.`;
    problems.push({
      code: 'MANIFEST_MODEL_FILE',
      path: [...path, 'files'],
      message,
      remedy: 'Give exactly one file the role `model`.',
    });
  }
  const seen = new Set<string>();
  for (const [index, file] of files.entries()) {
    const at = [...path, 'files', index];
    // Lower case: some file systems take both for one.
    const name = file.name.toLowerCase();
    if (seen.has(name)) {
      const message = `Two files of the variant are named "${file.name}".`;
      problems.push({
        code: 'MANIFEST_FILE_NAME',
        path: [...at, 'name'],
        message,
        remedy: 'Give each a unique name.',
      });
    }
    seen.add(name);
    problems.push(...checkUrl(file, [...at, 'url']));
  }
  return problems;
}

function checkUrl({ url, digest }: Variant['files'][number], path: FieldPath): Problem[] {
  // The schema leaves one form to each key of a bucket.
  if (url.startsWith('s3:')) return [];
  if (/^https?:/.test(url)) {
    const message = `\`${url.slice(0, 60)}\` is not a valid address.`;
    if (!URL.canParse(url)) return [{ code: 'MANIFEST_FILE_URL', path, message, remedy: 'Correct it.' }];
    return holdsSecret(new URL(url)) ? [secretInUrl(path)] : [];
  }
  if (url.split('/').some((step) => step === '..' || step === '.' || step === '')) {
    const message = 'A relative address must not contain `..`, `.` or empty steps.';
    return [{ code: 'MANIFEST_FILE_URL', path, message, remedy: `Write \`artifacts/${hexOf(digest)}\`.` }];
  }
  const hex = /^artifacts\/([0-9a-f]{64})$/.exec(url)?.[1];
  if (hex === undefined || hex === hexOf(digest)) return [];
  const message = 'The address and `digest` name different digests.';
  return [
    {
      code: 'MANIFEST_FILE_URL',
      path,
      message,
      remedy: `Write \`artifacts/${hexOf(digest)}\`, or correct \`digest\`.`,
    },
  ];
}

/** Parameters that let whoever has the address read the file: pre-signed addresses of S3, Google Cloud Storage and Azure. */
const SIGNED_QUERY = ['x-amz-signature', 'x-goog-signature', 'signature', 'sig'];

/** Manifests are public: a password or signature in one is everybody's. */
function holdsSecret({ username, password, searchParams }: URL): boolean {
  const names = [...searchParams.keys()].map((name) => name.toLowerCase());
  return username !== '' || password !== '' || names.some((name) => SIGNED_QUERY.includes(name));
}

function secretInUrl(path: FieldPath): Problem {
  const message = 'The address holds a password or a signature, and whoever reads the manifest has it.';
  const remedy = 'Write it without. Give devices credentials of their own, or store the file in a bucket (`s3://…`).';
  return { code: 'MANIFEST_FILE_SECRET', path, message, remedy };
}

function checkHealth(health: ModelManifest['spec']['health']): Problem[] {
  if (health === undefined) return [];
  const at = (name: string): FieldPath => ['spec', 'health', name];
  const { errorRate, unknownRate, latencyP95, latencyMean, warmUp } = health;
  const sustained = (['maxCpuPercent', 'maxMemoryPercent', 'maxTemperatureCelsius'] as const).map((name) => {
    const limit = health[name];
    return limit === undefined ? undefined : findTextProblem(at(name), () => parseSustainedLimit(limit));
  });
  return [
    errorRate === undefined ? undefined : findTextProblem(at('errorRate'), () => parsePercent(errorRate)),
    unknownRate === undefined ? undefined : findTextProblem(at('unknownRate'), () => parsePercent(unknownRate)),
    latencyP95 === undefined ? undefined : findTextProblem(at('latencyP95'), () => parseDurationMs(latencyP95)),
    latencyMean === undefined ? undefined : findTextProblem(at('latencyMean'), () => parseDurationMs(latencyMean)),
    ...sustained,
    warmUp?.duration === undefined
      ? undefined
      : findTextProblem([...at('warmUp'), 'duration'], () => parseDurationMs(warmUp.duration ?? '')),
  ].filter((problem) => problem !== undefined);
}
