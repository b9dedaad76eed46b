// A process that ingests without end and says on stdout what was acknowledged; the test kills it.
import { NOW, openStore, report } from './reports.ts';

const [file = '', prefix = '', epochText = '', from = '1'] = process.argv.slice(2);
const store = openStore(file);
const epoch = Number(epochText);
let sequence = Number(from);
const lane = async (device: string) => {
  for (;;) {
    const mine = sequence++;
    const [answer] = await store.ingest([{ report: report({ device, epoch, sequence: mine }), receivedAtMs: NOW }]);
    process.stdout.write(`${device} ${mine} ${answer}\n`);
  }
};
await Promise.all(Array.from({ length: 8 }, () => lane(prefix)));
