// Laws of which commands are loaded: the asked one is there as among all of them, under each of its names.
import { expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';

test('each command is found by each of its names without loading all others, and says the same', async () => {
  const all = await createProgram();
  for (const whole of all.commands) {
    for (const name of [whole.name(), ...whole.aliases()]) {
      const { commands } = await createProgram(name);
      const one = commands.find((command) => command.name() === whole.name());
      expect([name, one?.helpInformation()]).toEqual([name, whole.helpInformation()]);
      if (name !== 'completion') expect(commands.length).toBeLessThan(all.commands.length / 2);
    }
  }
});

test('a word that names no command is answered out of all of them', async () => {
  const all = (await createProgram()).commands.length;
  for (const word of ['statsu', '--help', 'help', '']) expect((await createProgram(word)).commands).toHaveLength(all);
});
