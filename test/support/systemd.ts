// Owns tests that need a program of the system: skipped aloud where it is missing, and failed where services are required.
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { test } from 'vitest';

export function isThere(program: string, question: readonly string[] = ['--version']): boolean {
  try {
    execFileSync(program, question, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function testOrSkip(program: string, title: string, body: () => Promise<void>): void {
  const isRequired = process.env.REQUIRE_SERVICES === '1';
  if (isRequired || isThere(program)) test(title, body);
  else test.skip(`${title} (${program} is not here)`);
}
