// Owns the house plan: which rooms there are, and which rooms each may import.

export interface Room {
  /** Folder from the root of the repository. */
  readonly folder: string;
  readonly mayImport: readonly string[];
  /** The room works through edges that others choose: it imports the files of `EDGE_INTERFACES` alone. */
  readonly takesEdges?: boolean;
  /** Nothing in a pure room touches clock, disk, network or the system's randomness. */
  readonly pure?: boolean;
}

const GROUND = ['src/base', 'src/contract'];
/** In the order of their floors: each may import those before it that its line names. */
const PURE_ROOMS = ['src/documents', 'src/telemetry', 'src/gates', 'src/rollout', 'src/wording'];
const BELOW_WORDING = PURE_ROOMS.slice(0, -1);
export const EDGES: readonly string[] = [
  'src/git',
  'src/store',
  'src/distribution',
  'src/fleet-api',
  'src/notify',
  'src/signals',
  'src/signing',
  'src/tracing',
];
/**
 * The files of each edge that say what it promises, free of any implementation; `types` alone where a promise stands beside what keeps it.
 * Whoever works through edges gets the implementations from src/cli.
 */
export const EDGE_INTERFACES: Readonly<Record<string, 'all' | 'types'>> = {
  'src/git/fetch-head.ts': 'all',
  'src/git/manifests-repository.ts': 'all',
  'src/git/repository-files.ts': 'all',
  'src/git/work-tree.ts': 'all',
  'src/store/api-tokens.ts': 'types',
  'src/store/device-register.ts': 'all',
  'src/store/exposure.ts': 'all',
  'src/store/fleet-store.ts': 'all',
  'src/store/leases.ts': 'all',
  'src/store/notice-queue.ts': 'all',
  'src/store/plain-reports.ts': 'all',
  'src/store/recent-reports.ts': 'all',
  'src/store/reconciler-state.ts': 'all',
  'src/store/silences.ts': 'all',
  'src/store/time-series.ts': 'all',
  'src/store/window-store.ts': 'all',
  'src/distribution/publication.ts': 'all',
  'src/fleet-api/http/answers.ts': 'all',
  'src/fleet-api/http/login-routes.ts': 'types',
  'src/fleet-api/http/route.ts': 'all',
  'src/notify/notice.ts': 'all',
  'src/signals/signal-provider.ts': 'all',
  'src/signing/evidence-signer.ts': 'types',
};
const READERS = ['src/snapshot', 'src/measurement'];
const ALL_BELOW_SIMULATION = [
  ...GROUND,
  ...PURE_ROOMS,
  ...EDGES,
  ...READERS,
  'src/requests',
  'src/reconcile',
  'src/dashboard',
  'src/audit',
  'fleet-agent',
];

/** Starts Node 24 from Node 20: both programs need it before a line of TypeScript can run. */
export const LAUNCHER = 'src/cli/node24.mjs';

/** Lower floors first; a change here needs a decision note in docs/decisions. */
export const HOUSE_PLAN: readonly Room[] = [
  { folder: 'src/base', mayImport: [] },
  { folder: 'src/contract', mayImport: ['src/base', 'schemas'] },
  { folder: 'src/documents', mayImport: [...GROUND, 'schemas'], pure: true },
  { folder: 'src/telemetry', mayImport: GROUND, pure: true },
  { folder: 'src/gates', mayImport: [...GROUND, 'src/documents', 'src/telemetry'], pure: true },
  { folder: 'src/rollout', mayImport: [...GROUND, 'src/documents', 'src/telemetry', 'src/gates'], pure: true },
  { folder: 'src/wording', mayImport: [...GROUND, ...BELOW_WORDING], pure: true },
  { folder: 'src/git', mayImport: GROUND },
  { folder: 'src/store', mayImport: [...GROUND, ...BELOW_WORDING] },
  { folder: 'src/distribution', mayImport: GROUND },
  { folder: 'src/fleet-api', mayImport: GROUND },
  { folder: 'src/notify', mayImport: [...GROUND, 'src/documents'] },
  { folder: 'src/signals', mayImport: [...GROUND, 'src/documents'] },
  { folder: 'src/signing', mayImport: GROUND },
  { folder: 'src/tracing', mayImport: GROUND },
  {
    folder: 'src/requests',
    mayImport: [...GROUND, 'src/documents', 'src/wording', 'src/git', 'src/signing'],
    takesEdges: true,
  },
  { folder: 'src/snapshot', mayImport: [...GROUND, ...BELOW_WORDING, 'src/git', 'src/signing'], takesEdges: true },
  {
    folder: 'src/measurement',
    mayImport: [...GROUND, ...BELOW_WORDING, 'src/store', 'src/signals'],
    takesEdges: true,
  },
  { folder: 'src/reconcile', mayImport: [...GROUND, ...PURE_ROOMS, ...EDGES, ...READERS], takesEdges: true },
  {
    folder: 'src/dashboard',
    mayImport: [...GROUND, ...PURE_ROOMS, ...READERS, 'src/git', 'src/store', 'src/fleet-api', 'src/requests'],
    takesEdges: true,
  },
  { folder: 'src/audit', mayImport: [...GROUND, ...PURE_ROOMS, 'src/snapshot'] },
  { folder: 'fleet-agent', mayImport: [...GROUND, LAUNCHER] },
  { folder: 'src/simulation', mayImport: [...ALL_BELOW_SIMULATION, 'examples'] },
  { folder: 'src/cli', mayImport: [...ALL_BELOW_SIMULATION, 'src/simulation', 'examples', 'schemas'] },
  { folder: 'examples', mayImport: GROUND },
  { folder: 'schemas', mayImport: [] },
];

/** In order: each wing of the agent may import those before it. The files beside the wings put them together. */
export const AGENT_WINGS: readonly string[] = ['record', 'model', 'measure', 'link', 'serve', 'update', 'report'].map(
  (wing) => `fleet-agent/src/${wing}`,
);

/** Folders inside a room that know none of their siblings but those named: statistics know no rule, the grammar of rules no document. */
export const WINGS: readonly Pick<Room, 'folder' | 'mayImport'>[] = [
  { folder: 'src/documents/rules', mayImport: GROUND },
  { folder: 'src/gates/statistics', mayImport: [...GROUND, 'src/telemetry'] },
  ...AGENT_WINGS.map((folder, i) => ({ folder, mayImport: [...GROUND, ...AGENT_WINGS.slice(0, i)] })),
];

/** Folders that may import every room and are free of the bans: they drive the system from outside. */
export const OUTSIDE_FOLDERS: readonly string[] = ['test', 'bench', 'docs', 'deploy', '.ci'];

/** Packages that only compute; the only ones a pure room may import. */
export const COMPUTING_PACKAGES: readonly string[] = ['semver', 'yaml', 'ajv'];

/** Where each package may be imported: what one room knows of it, the others need not learn when it changes. */
export const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  '@noble/ciphers': ['src/signing'],
  '@opentelemetry/api': ['src/tracing'],
  '@opentelemetry/exporter-trace-otlp-http': ['src/tracing'],
  '@opentelemetry/resources': ['src/tracing'],
  '@opentelemetry/sdk-trace': ['src/tracing'],
  '@preact/signals': ['src/dashboard'],
  '@sigstore/bundle': ['src/contract/trust', 'src/signing'],
  '@sigstore/protobuf-specs': ['src/contract/trust', 'src/signing'],
  '@sigstore/sign': ['src/signing'],
  '@sigstore/verify': ['src/contract/trust'],
  '@tufjs/canonical-json': ['src/contract/tuf', 'src/distribution'],
  '@tufjs/models': ['src/contract/tuf', 'src/distribution', 'fleet-agent/src/link'],
  ajv: ['src/documents', 'schemas'],
  aws4fetch: ['src/distribution'],
  chokidar: ['src/cli'],
  commander: ['src/cli'],
  'd3-scale': ['src/dashboard/charts'],
  'd3-shape': ['src/dashboard/charts'],
  esbuild: ['fleet-agent/build.ts', 'src/dashboard'],
  htm: ['src/dashboard'],
  'isomorphic-git': ['src/git'],
  jose: ['src/fleet-api'],
  'json-schema-to-typescript': ['schemas'],
  nodemailer: ['src/notify'],
  'onnxruntime-web': ['fleet-agent'],
  preact: ['src/dashboard'],
  'preact-render-to-string': ['src/dashboard'],
  semver: ['src/contract', 'src/documents'],
  'tuf-js': ['src/contract/tuf', 'src/distribution'],
  yaml: ['src/contract/source', 'src/documents', 'fleet-agent'],
};

/** What a pure room may import of Node: digests, which depend on their input alone. */
export const COMPUTING_NODE_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': ['createHash', 'createHmac'],
};

export interface Ban {
  /** A dotted name (`Date.now`), a call (`setTimeout()`), `new Date()` without an argument, or an import (`a from b`). */
  readonly banned: string;
  /** Files or folders where it lives. */
  readonly homes: readonly string[];
  readonly replacement: string;
}

/** A browser has timers of its own: what runs there takes none of Node's. */
const CLOCK = ['src/base/clock.ts', 'src/dashboard/browser/browser-clock.ts'];
const RANDOM = ['src/base/random.ts'];
const SETTINGS = ['src/cli', 'fleet-agent/src/main.ts', 'fleet-agent/slipway-agent.mjs'];
const TIMER = 'take a Clock (src/base/clock.ts) and call `clock.sleep(ms, signal)`';
const SETTING = 'take the setting as an argument; src/cli reads it once';
/** `setImmediate` is left out: it lets others run and knows no time. */
const TIMER_IMPORTS = ['node:timers', 'node:timers/promises'].flatMap((from) =>
  ['setTimeout', 'setInterval', '*'].map((name) => `${name} from ${from}`),
);
const DURATION = 'take a Clock (src/base/clock.ts) and call `clock.monotonicMs()`';

export const BANS: readonly Ban[] = [
  { banned: 'Date.now', homes: CLOCK, replacement: 'take a Clock (src/base/clock.ts) and call `clock.now()`' },
  { banned: 'new Date()', homes: CLOCK, replacement: 'take a Clock and write `new Date(clock.now())`' },
  { banned: 'Math.random', homes: RANDOM, replacement: 'take a RandomStream (src/base/random.ts) and call `next()`' },
  { banned: 'setTimeout()', homes: CLOCK, replacement: TIMER },
  { banned: 'setInterval()', homes: CLOCK, replacement: TIMER },
  ...TIMER_IMPORTS.map((banned) => ({ banned, homes: CLOCK, replacement: TIMER })),
  { banned: 'performance.now', homes: CLOCK, replacement: DURATION },
  { banned: 'performance from node:perf_hooks', homes: CLOCK, replacement: DURATION },
  { banned: 'process.hrtime', homes: CLOCK, replacement: DURATION },
  { banned: 'process.env', homes: SETTINGS, replacement: SETTING },
  { banned: 'env from node:process', homes: SETTINGS, replacement: SETTING },
];
