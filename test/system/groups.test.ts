// Owns the proof that a group at fault goes back alone: real devices, real commits, until a later version brings all together again.
import { describe, expect, test } from 'vitest';
import { ROLLOUT_FILE, World } from './world.ts';

const SOUND = '2026.01.10';
const FAILING = '2026.02.01';
const BETTER = '2026.03.01';

/** The failing version errs on every sixth document: too much for rev2 alone. */
const POLICY = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: quick }
spec:
  appliesTo: { rollouts: ["document-*"] }
  stages:
    - name: canary
      size: { devices: 8 }
      soak: 400ms
      minimum: { devices: 3, inferences: 60 }
      silence: 60s
      onGroupFailure: rollback
      rules:
        - { rule: error_rate < 40%, by: hw, limits: { rev2: 6% } }
    - { name: full, size: 100%, soak: 400ms, onGroupFailure: rollback }
`;

const hardwareOf = (device: string): string => (Number(device.slice(-1)) % 2 === 0 ? 'rev2' : 'rev1');

describe('a group that alone is at fault', () => {
  test('goes back by one commit and stays behind, until a version holds there or a person lets it go along', {
    timeout: 240_000,
  }, async () => {
    await using world = await World.open({
      devices: 8,
      policy: POLICY,
      labels: (device) => ({ region: 'eu-west', hw: hardwareOf(device) }),
    });
    const runningOn = async (hardware: string): Promise<readonly string[]> => {
      const states = await world.fleet.states();
      const own = states.filter(({ device }) => hardwareOf(device) === hardware);
      return [...new Set(own.map(({ model }) => model?.running?.version ?? 'nothing'))];
    };
    const untilRunning = (rev1: string, rev2: string): Promise<unknown> =>
      world.until(`rev1 runs ${rev1}, rev2 ${rev2}`, async () => {
        const now = [await runningOn('rev1'), await runningOn('rev2')];
        return JSON.stringify(now) === JSON.stringify([[rev1], [rev2]]);
      });

    await world.release('sound', SOUND);
    await world.untilStable(SOUND);
    await world.release('failing', FAILING);
    await world.until('the others have it', async () => (await world.statusAtHead())?.stable?.version === FAILING);
    expect((await world.statusAtHead())?.exceptions).toMatchObject([
      { group: 'hw:rev2', kind: 'behind', stable: { version: SOUND } },
    ]);
    await untilRunning(FAILING, SOUND);
    expect(await world.transitions()).toEqual([
      '1 start→canary',
      '2 canary→full',
      '3 full→stable',
      '4 stable→canary',
      '5 canary→canary',
      '6 canary→full',
      '7 full→stable',
    ]);
    const titles = await world.host('log', '--format=%s', 'main');
    expect(titles).toContain(`revert ${FAILING} on hw:rev2 alone: error_rate `);
    expect((await world.outlook())?.exceptions).toMatchObject([{ group: 'hw:rev2', version: SOUND }]);

    const digest = (await world.statusAtHead())?.stable?.digest;
    await world.edit('let rev2 go along', async (read) => ({
      [ROLLOUT_FILE]: (await read(ROLLOUT_FILE)).replace(
        /^spec:$/m,
        `spec:\n  requests: [{ act: promote, digest: "${digest}", group: "hw:rev2", by: alice }]`,
      ),
    }));
    await untilRunning(FAILING, FAILING);
    expect(await world.statusAtHead()).not.toHaveProperty('exceptions');

    await world.release('better', BETTER);
    await world.untilStable(BETTER);
    expect(world.watch.breaches).toEqual([]);
  });
});
