// Owns what a device group must mean beyond its schema: each device once, no contradictions, keys that are keys.

import type { FieldPath } from '../contract/source/document-source.ts';
import type { Problem } from '../contract/source/problem.ts';
import { checkPublicKey } from '../contract/trust/check-public-key.ts';
import type { DeviceGroup, GroupDevice } from './types.generated.ts';

export function checkDeviceGroup({ spec }: DeviceGroup): Problem[] {
  const seen = new Set<string>();
  return (spec.devices ?? []).flatMap((device, index) => {
    const path = ['spec', 'devices', index];
    const problems = [
      ...checkLabels(device, spec.labels ?? {}, path),
      ...checkPublicKey(device.publicKey, device.id, [...path, 'publicKey']),
    ];
    if (seen.has(device.id)) {
      const message = `The device "${device.id}" is listed twice.`;
      problems.push({ code: 'GROUP_DEVICE_TWICE', path: [...path, 'id'], message, remedy: 'Keep one of them.' });
    }
    seen.add(device.id);
    return problems;
  });
}

function checkLabels(device: GroupDevice, common: Readonly<Record<string, string>>, path: FieldPath): Problem[] {
  return Object.entries(device.labels ?? {}).flatMap(([name, value]): Problem[] => {
    if (!Object.hasOwn(common, name) || common[name] === value) return [];
    const message = `"${device.id}" is \`${name}: ${value}\` here, but its group has \`${name}: ${common[name]}\`.`;
    return [
      {
        code: 'GROUP_LABEL',
        path: [...path, 'labels', name],
        message,
        remedy: 'Correct one of them, or move the device to another group.',
      },
    ];
  });
}
