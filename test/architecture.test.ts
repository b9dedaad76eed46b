// Owns the proof that the sources keep to the house plan, and that each of its rules can fail.
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findBreaches } from './architecture/breaches.ts';
import {
  AGENT_WINGS,
  BANS,
  EDGE_INTERFACES,
  HOUSE_PLAN,
  LAUNCHER,
  OUTSIDE_FOLDERS,
  PACKAGE_HOMES,
  WINGS,
} from './architecture/house-plan.ts';
import type { SourceFile } from './architecture/source-reading.ts';

const ROOT = path.join(import.meta.dirname, '..');
const FOLDERS = ['src', ...HOUSE_PLAN.map((room) => room.folder), ...OUTSIDE_FOLDERS];

function readSources(): SourceFile[] {
  const patterns = [...new Set(FOLDERS)].map((folder) => `${folder}/**/*.{ts,mjs}`);
  const found = globSync([...patterns, '*.ts'], {
    cwd: ROOT,
    exclude: (name) => /(^|\/)(node_modules|dist|golden)$/.test(name),
  });
  return [...new Set(found.map((file) => file.split(path.sep).join('/')))].map((file) => ({
    path: file,
    text: readFileSync(path.join(ROOT, file), 'utf8'),
  }));
}

const HEADER = '// Owns a sample.\n';

/** Messages about samples; each text gets the header that every file must have. */
function judge(samples: Record<string, string>): string[] {
  const files = Object.entries(samples).map(([file, text]) => ({ path: file, text: HEADER + text }));
  return findBreaches(files).map((breach) => `${breach.path}:${breach.line} ${breach.message}`);
}

describe('the sources', () => {
  it('keep to the house plan and to the style', () => {
    const sources = readSources();
    expect(sources.length).toBeGreaterThan(20);
    const lines = findBreaches(sources).map((breach) => `${breach.path}:${breach.line} ${breach.message}`);
    expect(lines.join('\n')).toBe('');
  });

  it('are mapped in CONTRIBUTING.md room by room', () => {
    const map = readFileSync(path.join(ROOT, 'CONTRIBUTING.md'), 'utf8');
    const rows = map.split('\n').filter((line) => line.startsWith('| ') && line.includes('| `'));
    for (const { folder } of HOUSE_PLAN) {
      const row = rows.find((line) => line.includes(`| \`${folder}\` |`));
      expect(row, `${folder} is on the map`).toBeDefined();
      expect(existsSync(path.join(ROOT, folder)), `${folder} is there, or reserved`).toBe(!row?.includes('(reserved'));
    }
    const mapped = rows.flatMap((line) => /`((?:src\/|fleet-agent|examples|schemas)[^`]*)` \|/.exec(line)?.[1] ?? []);
    expect(mapped.toSorted()).toEqual(HOUSE_PLAN.map(({ folder }) => folder).toSorted());
  });
});

describe('the house plan', () => {
  it('has no circle of rooms: each room imports rooms above it in the list', () => {
    const built = new Set(['schemas', 'examples', LAUNCHER]);
    for (const room of HOUSE_PLAN) {
      for (const imported of room.mayImport) expect(built, `${room.folder} imports ${imported}`).toContain(imported);
      built.add(room.folder);
    }
  });

  it('finds an import that goes up, by value, by type, by re-export and by import()', () => {
    const upwards = [
      "import { decide } from '../rollout/decide.ts';\nexport const use = decide;\n",
      "import type { Decision } from '../rollout/decide.ts';\nexport type Use = Decision;\n",
      "export const own = 1;\nexport { decide } from '../rollout/decide.ts';\n",
      "export const load = () => import('../rollout/decide.ts');\n",
    ];
    for (const text of upwards)
      expect(judge({ 'src/gates/rule.ts': text })).toEqual([expect.stringContaining('imports src/rollout/decide.ts')]);
  });

  it('finds edges that meet, and an agent that reaches into the service', () => {
    const text = "import { open } from '../store/open.ts';\nexport const use = open;\n";
    expect(judge({ 'src/git/fetch.ts': text })).toEqual([expect.stringContaining('but src/git may import')]);
    const agent = "import { open } from '../../src/store/open.ts';\nexport const use = open;\n";
    expect(judge({ 'fleet-agent/src/loop.ts': agent })).toEqual([expect.stringContaining('but fleet-agent may')]);
  });

  it('finds a room that works through edges and reaches for an implementation, by value and by type', () => {
    const sqlite = "import { openSqlite } from '../store/sqlite/open.ts';\nexport const use = openSqlite;\n";
    const board =
      "import type { PrometheusProvider } from '../signals/prometheus-provider.ts';\nexport type Use = PrometheusProvider;\n";
    const signer = "import { createSigner } from '../signing/evidence-signer.ts';\nexport const use = createSigner;\n";
    const promised = "import type { Signer } from '../signing/evidence-signer.ts';\nexport type Use = Signer;\n";
    const [found] = [expect.stringContaining('an implementation')];
    expect(judge({ 'src/reconcile/loop.ts': sqlite })).toEqual([found]);
    expect(judge({ 'src/measurement/board.ts': board })).toEqual([found]);
    expect(judge({ 'src/snapshot/read.ts': signer })).toEqual([found]);
    expect(judge({ 'src/snapshot/read.ts': promised, 'src/cli/compose.ts': sqlite })).toEqual([]);
  });

  it('names only interfaces of edges that there are', () => {
    const known = new Set(readSources().map(({ path: file }) => file));
    for (const file of Object.keys(EDGE_INTERFACES)) expect(known).toContain(file);
  });

  it('finds a wing that reaches for the rest of its room', () => {
    const text = "import { judge } from '../judge.ts';\nexport const use = judge;\n";
    expect(judge({ 'src/gates/statistics/tally.ts': text })).toEqual([
      expect.stringContaining('but the wing src/gates/statistics may import'),
    ]);
    expect(judge({ 'src/gates/forecast/planner.ts': text })).toEqual([]);
    const inside = "import type { Tally } from './tally.ts';\nexport type Use = Tally;\n";
    expect(judge({ 'src/gates/statistics/rate.ts': inside })).toEqual([]);
  });

  it('finds a file in no room', () => {
    expect(judge({ 'src/extras/thing.ts': 'export const a = 1;\n' })).toEqual([expect.stringContaining('no room')]);
  });

  it('lets rooms import downwards and outside folders import everything', () => {
    const files = {
      'src/rollout/decide.ts': "import { judge } from '../gates/judge.ts';\nexport const use = judge;\n",
      'src/gates/judge.ts': "import { createHash } from 'node:crypto';\nexport const judge = createHash;\n",
      'test/gates/judge.test.ts': "import { run } from '../../src/cli/run.ts';\nrun(Date.now(), Math.random());\n",
    };
    expect(judge(files)).toEqual([]);
  });

  it('finds a circle, however long, and a file that imports itself', () => {
    const circle = judge({
      'src/base/a.ts': "import { b } from './b.ts';\nexport const a = b;\n",
      'src/base/b.ts': "import { c } from './c.ts';\nexport const b = c;\n",
      'src/base/c.ts': "import type { a } from './a.ts';\nexport const c: typeof a = 1;\n",
    });
    expect(circle).toEqual([expect.stringContaining('src/base/a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts')]);
    const self = "import { a as b } from './a.ts';\nexport const a = b;\n";
    expect(judge({ 'src/base/a.ts': self })).toEqual([expect.stringContaining('circle')]);
  });

  it.each(Object.entries(PACKAGE_HOMES))('finds %s outside its home', (name, homes) => {
    const text = `import { x } from '${name}/part';\nexport const y = x;\n`;
    expect(judge({ 'src/store/thing.ts': text })).toEqual([expect.stringContaining(`imports ${name}, which lives in`)]);
    const home = homes[0]!.endsWith('.ts') ? homes[0]! : `${homes[0]}/thing.ts`;
    expect(judge({ [home]: text })).toEqual([]);
  });

  it('finds a package without a home', () => {
    const text = "import { x } from 'left-pad';\nexport const y = x;\n";
    expect(judge({ 'src/store/thing.ts': text })).toEqual([expect.stringContaining('left-pad, which has no home')]);
  });

  it.each(WINGS.map(({ folder }) => folder))('finds an import of a sibling in %s', (folder) => {
    const text = "import { x } from '../sibling.ts';\nexport const y = x;\n";
    expect(judge({ [`${folder}/thing.ts`]: text })).toEqual([expect.stringContaining(`the wing ${folder} may import`)]);
  });

  it("lets each wing of the agent import those before it, and none after it; every folder of the agent's is a wing", () => {
    for (const [i, folder] of AGENT_WINGS.entries())
      for (const [j, other] of AGENT_WINGS.entries()) {
        const text = `import { x } from '../${path.basename(other)}/other.ts';\nexport const y = x;\n`;
        expect(judge({ [`${folder}/thing.ts`]: text }), `${folder} imports ${other}`).toHaveLength(j > i ? 1 : 0);
      }
    const folders = readSources().flatMap((file) => /^fleet-agent\/src\/[^/]+(?=\/)/.exec(file.path) ?? []);
    expect([...new Set(folders)].sort()).toEqual([...AGENT_WINGS].sort());
  });

  it('finds effects in a pure room', () => {
    for (const from of ['node:fs', 'node:fs/promises', 'node:http', 'node:child_process', 'isomorphic-git', 'tuf-js'])
      expect(judge({ 'src/rollout/decide.ts': `import { x } from '${from}';\nexport const y = x;\n` })).toEqual([
        expect.stringContaining('in a pure room'),
      ]);
    const random =
      "import { createHash, randomUUID } from 'node:crypto';\nexport const y = [createHash, randomUUID];\n";
    expect(judge({ 'src/rollout/decide.ts': random })).toEqual([expect.stringContaining('in a pure room')]);
  });
});

describe('the bans', () => {
  const breaking: Record<string, string> = {
    'Date.now': 'export const a = Date.now();\n',
    'new Date()': 'export const a = new Date();\n',
    'Math.random': 'export const a = [1, 2].map(Math.random);\n',
    'setTimeout()': 'globalThis.setTimeout(() => {}, 5);\n',
    'setInterval()': 'setInterval(() => {}, 5);\n',
    'performance.now': 'export const a = performance.now();\n',
    'process.hrtime': 'export const a = process.hrtime.bigint();\n',
    'process.env': 'export const a = process.env.HOME;\n',
  };

  it.each(BANS.map((ban) => [ban.banned, ban] as const))(
    'find %s outside its home, and say what to take',
    (name, ban) => {
      const [imported, from] = name.split(' from ');
      const star = imported === '*' ? '* as taken' : `{ ${imported} as taken }`;
      const text = breaking[name] ?? `import ${star} from '${from}';\nexport const a = taken;\n`;
      expect(judge({ 'src/store/thing.ts': text })).toEqual([`src/store/thing.ts:2 uses ${name}: ${ban.replacement}`]);
      const home = ban.homes[0]!.endsWith('.ts') ? ban.homes[0]! : `${ban.homes[0]}/thing.ts`;
      expect(judge({ [home]: text })).toEqual([]);
    },
  );

  it('leave comments, strings and dates of a given time alone', () => {
    const text = "// Date.now() and Math.random()\nexport const a = ['process.env', new Date(5), `setTimeout()`];\n";
    const yielding = "import { setImmediate as others } from 'node:timers/promises';\nawait others();\n";
    expect(judge({ 'src/store/thing.ts': yielding })).toEqual([]);
    expect(judge({ 'src/store/thing.ts': text })).toEqual([]);
  });
});

describe('the style', () => {
  it('finds a file without a sentence on what it owns', () => {
    const messages = findBreaches([
      { path: 'src/base/a.ts', text: 'export const a = 1;\n' },
      { path: 'src/base/b.mjs', text: '#!/usr/bin/env node\n// Owns b.\nexport const b = 1;\n' },
      { path: 'src/base/c.ts', text: '// Owns c,\n// and d.\nexport const c = 1;\n' },
      { path: 'src/base/d.ts', text: '// no sentence\nexport const d = 1;\n' },
    ]).map((breach) => breach.path);
    expect(messages).toEqual(['src/base/a.ts', 'src/base/d.ts']);
  });

  it.each([
    ['src/base/backOff.ts', 'kebab-case'],
    ['src/base/string-utils.ts', 'says nothing'],
    ['src/base/helpers/text.ts', 'says nothing'],
    ['src/base/index.ts', 'barrel'],
  ])('finds the name %s', (file, message) => {
    expect(judge({ [file]: 'export const a = 1;\n' })).toEqual([expect.stringContaining(message)]);
  });

  it('finds a barrel by any name', () => {
    const text = "export * from './clock.ts';\nexport { a } from './random.ts';\n";
    expect(judge({ 'src/base/everything.ts': text })).toEqual([expect.stringContaining('barrel')]);
  });

  it('finds default exports and types named for nothing', () => {
    expect(judge({ 'src/base/a.ts': 'export default 1;\n' })).toEqual([expect.stringContaining('default export')]);
    expect(judge({ 'src/base/a.ts': 'export class StoreManager {}\n' })).toEqual([
      expect.stringContaining('StoreManager'),
    ]);
  });

  it('finds a file that is too long, unless it is generated or a test', () => {
    const long = 'export {};\n'.repeat(300);
    expect(judge({ 'src/base/a.ts': long })).toEqual([expect.stringContaining('301 lines')]);
    expect(judge({ 'src/base/a.generated.ts': long, 'test/base/a.test.ts': long })).toEqual([]);
  });
});
