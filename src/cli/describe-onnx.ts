// Owns reading an ONNX file's description from disk, with one open file and no more memory than its reader's window.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CodedError } from '../base/errors.ts';
import { type OnnxDescription, readOnnx } from '../documents/read-onnx.ts';

/** Throws ARTIFACT_UNREADABLE or ONNX_…. */
export function describeOnnx(file: string): OnnxDescription {
  let opened: number;
  try {
    opened = openSync(file, 'r');
  } catch (cause) {
    const remedy = 'Name a file that exists and that you may read.';
    const message = `The model file ${file} can't be read.`;
    throw new CodedError({ code: 'ARTIFACT_UNREADABLE', message, remedy, cause });
  }
  try {
    return readOnnx({
      file,
      sizeBytes: fstatSync(opened).size,
      read(at, length) {
        const bytes = Buffer.allocUnsafe(length);
        return bytes.subarray(0, readSync(opened, bytes, 0, length, at));
      },
    });
  } finally {
    closeSync(opened);
  }
}
