// Owns `slipway keygen`: a key pair for signing models and policies.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { keyIdOf, parsePublicKey } from '../../contract/trust/keys.ts';
import { generateKeyPair, writeKeyPair } from '../../signing/keys.ts';
import { printResult } from '../output.ts';

interface KeygenOptions {
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function addKeygenCommand(program: Command): void {
  program
    .command('keygen')
    .description('create a key pair for signing models and policies (ECDSA P-256)')
    .requiredOption('--out <name>', 'writes <name>.key and <name>.pub')
    .option('--force', 'overwrite existing files; documents signed with the old key no longer verify')
    .option('--json', 'print JSON')
    .action(async ({ out, force = false, json = false }: KeygenOptions) => {
      const pair = generateKeyPair();
      const files = { privateFile: `${out}.key`, publicFile: `${out}.pub` };
      await mkdir(path.dirname(path.resolve(out)), { recursive: true });
      await writeKeyPair(pair, files, { force });
      const keyId = keyIdOf(parsePublicKey(pair.publicPem, files.publicFile));
      const text = `${files.privateFile}  private key, keep it secret\n${files.publicFile}  public key, add it to the trust policy (spec.signers)\nkey id ${keyId}`;
      printResult({ json: { ...files, keyId }, text }, json);
    });
}
