// Owns a host thread whose models do what their file's text says: answer, hang or die. For the host's own behaviour.
import { appendFileSync, readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { OnnxRequest } from '../../../fleet-agent/src/model/onnx-messages.ts';

const files = new Map<string, string>();

parentPort?.on('message', (request: OnnxRequest) => {
  if (request.kind === 'load') files.set(request.key, readFileSync(request.file, 'utf8'));
  if (request.kind === 'load') appendFileSync(`${request.file}.loads`, 'x');
  const isSecondLoad = request.kind === 'load' && readFileSync(`${request.file}.loads`, 'utf8').length === 2;
  const does = files.get(request.key) ?? '';
  const wants = request.kind === 'run' ? String(request.inputs[0]?.name) : '';
  if (
    (request.kind === 'run' && does === 'hang' && wants === 'now') ||
    (request.kind === 'load' && does === 'hang-at-load') ||
    (isSecondLoad && does === 'hang-at-second-load')
  ) {
    for (;;) {
      // as a model does whose loop never ends
    }
  }
  if (request.kind === 'run' && does === 'die' && wants === 'now') process.exit(1);
  if (does === '' || (isSecondLoad && does === 'fail-at-second-load')) {
    files.delete(request.key);
    const message = 'the model is not loaded';
    parentPort?.postMessage({ kind: 'failed', id: request.id, message, reason: 'load', fatal: false });
    return;
  }
  parentPort?.postMessage({ kind: 'done', id: request.id, outputs: [] });
});
