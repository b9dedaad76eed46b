// Owns `slipway devices` and `slipway device`: which devices run what, and all about one of them.
import type { Command } from 'commander';
import type { DeviceRow, Devices } from '../../dashboard/read-model/types.generated.ts';
import { devicesText, deviceText } from '../device-in-words.ts';
import { FleetSource, type Query } from '../fleet-source.ts';
import { addPlaceOptions, type PlaceOptions, placeOf } from '../home-or-server.ts';
import { addListingOptions, type ListingOptions, showListing } from '../listing.ts';
import { wholeNumberOf } from '../option-values.ts';
import type { Result } from '../output.ts';
import { addDeviceSteps } from './device-steps.ts';

interface DevicesOptions extends PlaceOptions, ListingOptions {
  readonly model?: string;
  readonly version?: string;
  readonly digest?: string;
  readonly state?: string;
  readonly rollout?: string;
  readonly arm?: string;
  readonly limit: string;
}

const MOST_SHOWN = 100_000;
const ON_PAGE = 500;

const HELP = `
States: as-declared, changing, failed, refusing, contradiction, silent, unreachable, denied, not-managed.

Examples:
  slipway devices --model produce-scan          which devices run which version of it
  slipway devices 'region:north' --state failed
  slipway devices --model produce-scan --version 1.3.0 --json

Without --server, the store in the home is read; the fleet documents, which deny devices, are then not known.`;

/** Page after page, until the limit. */
async function readDevices(source: FleetSource, query: Query, limit: number): Promise<Devices> {
  const rows: DeviceRow[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await source.devices({ ...query, cursor, limit: Math.min(ON_PAGE, limit - rows.length) });
    rows.push(...page.devices);
    if (page.next === null || rows.length >= limit || page.devices.length === 0) return { ...page, devices: rows };
    cursor = page.next;
  }
}

async function list(selector: string | undefined, options: DevicesOptions, command: Command): Promise<void> {
  const { model, version, digest, state, rollout, arm, limit } = options;
  const most = wholeNumberOf('--limit', limit, { least: 1, most: MOST_SHOWN });
  await using source = await FleetSource.open(placeOf(options, command));
  await showListing(async (): Promise<Result> => {
    const all = await readDevices(source, { selector, model, version, digest, state, rollout, arm }, most);
    return { json: all, text: devicesText(all, { isWide: options.output === 'wide' }) };
  }, options);
}

async function show(name: string, options: PlaceOptions & ListingOptions, command: Command): Promise<void> {
  await using source = await FleetSource.open(placeOf(options, command));
  await showListing(async (): Promise<Result> => {
    const view = await source.device(name);
    return { json: view, text: deviceText(view) };
  }, options);
}

export function addDeviceCommands(program: Command): void {
  const devices = program
    .command('devices')
    .description('show which devices run what, and how each stands with what is declared for it')
    .argument('[selector]', 'only devices that match, such as region:north')
    .option('--model <name>', 'only devices that have this model')
    .option('--version <version>', 'only devices that run this version')
    .option('--digest <digest>', 'only devices that run the version with this digest')
    .option('--state <state>', 'only devices in this state')
    .option('--rollout <name>', 'only devices that this rollout is for')
    .option('--arm <arm>', 'only devices in this arm: candidate or stable')
    .option('--limit <n>', 'how many devices to list', '50');
  addListingOptions(addPlaceOptions(devices)).addHelpText('after', HELP).action(list);
  const device = program.command('device').description('show all about one device, or take it out of the fleet');
  const one = device
    .command('show', { isDefault: true })
    .description('show all about one device (the default: `slipway device NAME` does this)')
    .argument('<name>', 'id of the device');
  addListingOptions(addPlaceOptions(one)).action(show);
  addDeviceSteps(device);
}
