// Owns the device's files: the agent as one CommonJS file, and the ONNX host with its WebAssembly as a second beside it.
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { brotliCompressSync, constants } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';

const here = import.meta.dirname;
const require = createRequire(import.meta.url);

/** Node 20 is what many devices have; CommonJS because packages below us call `require` at run time. */
const COMMON = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  define: { 'import.meta.url': 'slipwayFileUrl' },
  banner: { js: '#!/usr/bin/env node\nconst slipwayFileUrl = require("node:url").pathToFileURL(__filename).href;' },
} as const satisfies BuildOptions;

export async function buildAgent(outfile: string): Promise<void> {
  await build({ ...COMMON, entryPoints: [path.join(here, 'src/main.ts')], outfile });
}

/** The WebAssembly goes in compressed: 14 MB become less than 3, and unpacking takes a twentieth of a second. */
async function buildHost(outfile: string): Promise<void> {
  const folder = path.dirname(require.resolve('onnxruntime-web/wasm'));
  const wasm = await readFile(path.join(folder, 'ort-wasm-simd-threaded.wasm'));
  const packed = brotliCompressSync(wasm, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: wasm.length },
  });
  await build({
    ...COMMON,
    entryPoints: [path.join(here, 'src/model/onnx-thread.ts')],
    outfile,
    alias: { 'onnxruntime-web/wasm': path.join(folder, 'ort.wasm.bundle.min.mjs') },
    define: { ...COMMON.define, SLIPWAY_WASM_BROTLI_BASE64: 'slipwayWasm' },
    banner: { js: `${COMMON.banner.js}\nconst slipwayWasm = "${packed.toString('base64')}";` },
  });
}

/** Builds both files into a folder, with the unit file beside them. */
export async function buildAgentFiles(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const [agent, host] = [path.join(folder, 'slipway-agent.cjs'), path.join(folder, 'onnx-host.cjs')];
  await Promise.all([buildAgent(agent), buildHost(host)]);
  await writeFile(path.join(folder, 'slipway-agent.service'), await readFile(path.join(here, 'slipway-agent.service')));
  return [agent, host];
}

async function main(folder: string): Promise<void> {
  for (const file of await buildAgentFiles(folder)) {
    process.stdout.write(`${path.relative(process.cwd(), file)}  ${((await stat(file)).size / 1e6).toFixed(2)} MB\n`);
  }
}

if (import.meta.main) await main(path.resolve(process.argv[2] ?? path.join(here, 'dist')));
