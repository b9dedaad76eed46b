// Owns a process that takes the lock of a folder, says how that went, and keeps it until it dies.
import process from 'node:process';
import { lockFolder } from '../../../fleet-agent/src/record/folder-lock.ts';
import { SystemClock } from '../../../src/base/clock.ts';
import { toCodedError } from '../../../src/base/errors.ts';
import { silentLogger } from '../../../src/base/logger.ts';

try {
  await lockFolder(process.argv[2] ?? '', new SystemClock(), silentLogger);
  process.stdout.write('held\n');
  setInterval(() => undefined, 1000);
} catch (error) {
  process.stdout.write(`${toCodedError(error).code}\n`);
}
