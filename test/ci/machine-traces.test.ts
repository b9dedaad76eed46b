// Owns the laws of machine traces: folders and mirrors of one machine are found, general talk is not.
import { describe, expect, it } from 'vitest';
import { findMachineTraces, thisMachine } from '../../.ci/machine-traces.ts';

const machine = { checkout: '/build/place/slipway', home: '/var/ada', registry: 'mirror.example:4873' };
const judge = (text: string) => findMachineTraces([{ path: 'a.md', text }], machine).map((trace) => trace.line);

describe('machine traces', () => {
  it('are folders of the checkout, of a home, addresses of a mirror, and resolved addresses', () => {
    const home = ['', 'home', 'ada', 'x'].join('/');
    expect(judge(`fine\n/build/place/other\n/var/ada/key\n${home}\nhttp://mirror.example:4873/yaml`)).toEqual([
      2, 3, 4, 5,
    ]);
    expect(judge(['"resolved"', '"https://registry.npmjs.org/yaml"'].join(': '))).toEqual([1]);
  });

  it('are not what holds on any machine', () => {
    expect(judge('/var/lib/slipway\n~/.config\nhttps://example.com/home/page\nGET /v1/rollouts')).toEqual([]);
    const inTmp = { ...machine, checkout: '/tmp/slipway' };
    expect(findMachineTraces([{ path: 'a.md', text: 'rm -r /tmp/demo' }], inTmp)).toEqual([]);
    expect(thisMachine('/a/b', 'https://registry.npmjs.org/').registry).toBeUndefined();
  });
});
