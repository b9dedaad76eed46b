// Laws of a written manifest: whatever tensors and labels are named, it says that name and no other, or is refused in our own words.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { newManifest } from '../../src/documents/new-manifest.ts';

const name = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 5 }).filter((text) => text.isWellFormed()),
  fc.constantFrom(
    'yes',
    'null',
    '1',
    '1e3',
    '0x1',
    '- a',
    'a: b',
    '#',
    '{',
    ']',
    'a,b',
    '__proto__',
    '~',
    '2026-01-01',
    ' a',
    'a ',
  ),
);

test('names of tensors and classes are read back as they were', () => {
  let accepted = 0;
  fc.assert(
    fc.property(name, name, fc.uniqueArray(name, { minLength: 2, maxLength: 4 }), (input, output, classes) => {
      const digest = `sha256:${'0'.repeat(64)}` as const;
      const file = {
        role: 'model' as const,
        name: 'model.onnx',
        digest,
        sizeBytes: 1,
        url: `artifacts/${'0'.repeat(64)}`,
      };
      try {
        const { manifest } = newManifest({
          ...{
            file: 'm/1.yaml',
            model: 'm',
            version: '1',
            sequence: 1,
            framework: 'onnx',
            base: null,
            draft: null,
            example: null,
          },
          interface: {
            inputs: [{ name: input, type: 'float32', shape: [-1] }],
            outputs: [{ name: output, type: 'float32', shape: [-1, classes.length] }],
          },
          variants: [{ platform: 'any', files: [file] }],
          ...{ kinds: new Map(), labels: { names: classes, inFile: false }, logits: [], bomOf: null },
        });
        accepted += 1;
        expect(manifest.spec.interface.inputs[0]?.name).toBe(input);
        expect(manifest.spec.interface.outputs[0]).toMatchObject({ name: output, classes });
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        expect(error.code).toBe('PACKAGE_MANIFEST');
        // Never for a text that is taken for something else.
        expect(error.message).not.toMatch(/SCHEMA|TYPE/);
      }
    }),
    { numRuns: 1500 },
  );
  expect(accepted).toBeGreaterThan(200);
});
