// A process that serves artifacts out of a folder until it is killed; it prints its address and a publisher's token.
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Metrics } from '../../src/base/metrics.ts';
import { composeFleetApi } from '../../src/cli/compose-fleet-api.ts';
import { ArtifactUploads } from '../../src/distribution/artifact-uploads.ts';
import { openMemoryFleetStore } from '../../src/store/memory/open-memory-fleet-store.ts';

const [publicationFolder = ''] = process.argv.slice(2);
const token = 'token-of-the-environment';
const api = composeFleetApi({
  ...{ store: openMemoryFleetStore(), clock: new SystemClock(), logger: silentLogger, metrics: new Metrics() },
  ...{ port: 0, publicationFolder, adminToken: token },
  artifacts: new ArtifactUploads(publicationFolder, { quotaBytes: 1e12 }),
  ...{ isDenied: () => false, isReady: () => true, onHook: () => {}, readRollouts: async () => [] },
});
process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${await api.start()}`, token })}\n`);
