// Owns what a manifest must mean beyond its schema: variants that differ, examples that fit the interface, safe addresses.
import { hexOf } from '../digest.ts';
import { parseDurationMs, parsePercent } from '../duration.ts';
import type { FieldPath } from '../source/document-source.ts';
import { findTextProblem, type Problem } from '../source/problem.ts';
import { parseSustainedLimit } from '../sustained-limit.ts';
import type { InputTensor, ModelExample, ModelManifest, OutputTensor, Variant } from '../types.generated.ts';

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
  problems.push(...checkInterface(spec.interface), ...checkVariants(spec.variants), ...checkHealth(spec.health));
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
  const classes = 'classes' in tensor ? tensor.classes : undefined;
  const last = tensor.shape.at(-1) ?? -1;
  if (classes === undefined || last < 0 || last === classes.length) return [];
  const message = `"${tensor.name}" has ${last} values in its last dimension and ${classes.length} classes.`;
  return [{ code: 'MANIFEST_CLASSES', path: [...path, 'classes'], message, remedy: 'Name one class for each value.' }];
}

function checkVariants(variants: readonly Variant[]): Problem[] {
  const seen = new Set<string>();
  return variants.flatMap((variant, index): Problem[] => {
    const path = ['spec', 'variants', index];
    const problems = checkFiles(variant, path);
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
  if (/^https?:/.test(url)) {
    if (URL.canParse(url)) return [];
    return [
      {
        code: 'MANIFEST_FILE_URL',
        path,
        message: `\`${url.slice(0, 60)}\` is not a valid address.`,
        remedy: 'Correct it.',
      },
    ];
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

function checkExample(example: ModelExample, tensors: Interface, path: FieldPath): Problem[] {
  const problems = checkValues(example.inputs, tensors.inputs, [...path, 'inputs']);
  for (const { name } of tensors.inputs) {
    if (Object.hasOwn(example.inputs, name)) continue;
    const message = `The example has no values for the input "${name}".`;
    problems.push({ code: 'MANIFEST_EXAMPLE', path: [...path, 'inputs'], message, remedy: `Add \`${name}: […]\`.` });
  }
  const { class: wanted, outputs } = example.expect;
  if (outputs !== undefined) problems.push(...checkValues(outputs, tensors.outputs, [...path, 'expect', 'outputs']));
  if (wanted === undefined && outputs === undefined) {
    const message = 'The example expects nothing, so it can never fail.';
    problems.push({
      code: 'MANIFEST_EXAMPLE',
      path: [...path, 'expect'],
      message,
      remedy: 'Add `class: …` or `outputs: …`.',
    });
  }
  const classes = tensors.outputs.flatMap((output) => output.classes ?? []);
  if (wanted !== undefined && !classes.includes(wanted)) {
    const message = `No output has a class "${wanted}".`;
    const remedy =
      classes.length === 0
        ? 'Name the classes of an output in `interface`.'
        : `Its classes: ${classes.slice(0, 20).join(', ')}.`;
    problems.push({ code: 'MANIFEST_EXAMPLE', path: [...path, 'expect', 'class'], message, remedy });
  }
  return problems;
}

type Values = ModelExample['inputs'];

function checkValues(values: Values, tensors: readonly InputTensor[], path: FieldPath): Problem[] {
  return Object.entries(values).flatMap(([name, elements]): Problem[] => {
    const tensor = tensors.find((known) => known.name === name);
    const wrong = (message: string, remedy: string): Problem[] => [
      { code: 'MANIFEST_EXAMPLE', path: [...path, name], message, remedy },
    ];
    if (tensor === undefined)
      return wrong(
        `The interface has no tensor "${name}" here.`,
        `It has ${tensors.map((known) => known.name).join(', ')}.`,
      );
    const count = tensor.shape.reduce((product, size) => product * Math.max(1, size), 1);
    if (count !== elements.length)
      return wrong(
        `"${name}" has ${elements.length} values, but its shape needs ${count}.`,
        'Correct the values or the shape.',
      );
    const type = tensor.type === 'bytes' ? 'string' : tensor.type === 'bool' ? 'boolean' : 'number';
    const misfit = elements.findIndex((element) => typeof element !== type);
    return misfit < 0
      ? []
      : wrong(`Value ${misfit + 1} of "${name}" is not a ${tensor.type}.`, `Write a ${type} there.`);
  });
}
