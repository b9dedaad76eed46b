// Owns what an example of a manifest must mean: values that the interface's types and shapes hold, and an expectation that can fail.
import type { FieldPath } from '../source/document-source.ts';
import type { Problem } from '../source/problem.ts';
import { type ElementType, elementOf, holderOf } from '../tensor-values.ts';
import type { InputTensor, ModelExample, ModelManifest } from '../types.generated.ts';

type Interface = ModelManifest['spec']['interface'];

/** `tensors` are the interface that the example must fit. */
export function checkExample(example: ModelExample, tensors: Interface, path: FieldPath): Problem[] {
  const { shapes = {} } = example;
  const problems = checkValues(example.inputs, { tensors: tensors.inputs, shapes }, [...path, 'inputs']);
  problems.push(...checkShapes(shapes, [...tensors.inputs, ...tensors.outputs], [...path, 'shapes']));
  for (const { name } of tensors.inputs) {
    if (Object.hasOwn(example.inputs, name)) continue;
    const message = `The example has no values for the input "${name}".`;
    problems.push({ code: 'MANIFEST_EXAMPLE', path: [...path, 'inputs'], message, remedy: `Add \`${name}: […]\`.` });
  }
  const { class: wanted, outputs } = example.expect;
  if (outputs !== undefined)
    problems.push(...checkValues(outputs, { tensors: tensors.outputs, shapes }, [...path, 'expect', 'outputs']));
  if (wanted === undefined && outputs === undefined) {
    const message = 'The example expects nothing, so it can never fail.';
    problems.push({
      code: 'MANIFEST_EXAMPLE',
      path: [...path, 'expect'],
      message,
      remedy: 'Add `class: …` or `outputs: …`.',
    });
  }
  // The names in a labels file are the device's to check.
  const isListed = tensors.outputs.every(({ classCount }) => classCount === undefined);
  const classes = tensors.outputs.flatMap((output) => output.classes ?? []);
  if (wanted !== undefined && isListed && !classes.includes(wanted)) {
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
type Shapes = NonNullable<ModelExample['shapes']>;

function checkShapes(shapes: Shapes, tensors: readonly InputTensor[], path: FieldPath): Problem[] {
  return Object.entries(shapes).flatMap(([name, shape]): Problem[] => {
    const fits = tensors
      .filter((known) => known.name === name)
      .some(
        (known) => known.shape.length === shape.length && known.shape.every((size, i) => size < 0 || size === shape[i]),
      );
    if (fits) return [];
    const message = `The shape [${shape}] is not one that the interface allows for "${name}".`;
    return [{ code: 'MANIFEST_EXAMPLE', path: [...path, name], message, remedy: 'Set open dimensions (-1) only.' }];
  });
}

function checkValues(
  values: Values,
  { tensors, shapes }: { readonly tensors: readonly InputTensor[]; readonly shapes: Shapes },
  path: FieldPath,
): Problem[] {
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
    const shape = Object.hasOwn(shapes, name) ? (shapes[name] ?? []) : tensor.shape;
    const count = shape.reduce((product, size) => product * Math.max(1, size), 1);
    if (count !== elements.length)
      return wrong(
        `"${name}" has ${elements.length} values, but its shape needs ${count}.`,
        'Correct the values, or state the shape in `shapes`.',
      );
    const misfit = findMisfit(tensor.type, elements);
    return misfit < 0
      ? []
      : wrong(
          `Value ${misfit + 1} of "${name}" is ${JSON.stringify(elements[misfit])}, which ${tensor.type} can't hold.`,
          'Write a value of that type.',
        );
  });
}

function findMisfit(type: ElementType, elements: readonly (number | string | boolean)[]): number {
  const holds = holderOf(type);
  return elements.findIndex((element) => !holds(elementOf(type, element)));
}
