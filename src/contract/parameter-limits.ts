// Owns what a signed manifest allows its parameters to be: the same for who writes rollouts and for devices.
import type { Parameters } from './directive.ts';
import type { ModelManifest } from './types.generated.ts';

export interface UnfitParameter {
  readonly name: string;
  /** `unknown`: the manifest lists its parameters, and this is none of them. */
  readonly kind: 'unknown' | 'type' | 'limit';
  /** A whole sentence. */
  readonly message: string;
}

type Limit = NonNullable<ModelManifest['spec']['parameterLimits']>[string];

/** The parameters that the manifest does not allow. One that lists its parameters knows them all. */
export function findUnfitParameters({ metadata, spec }: ModelManifest, parameters: Parameters): UnfitParameter[] {
  const { parameters: known, parameterLimits: limits = {} } = spec;
  return Object.entries(parameters).flatMap(([name, value]): UnfitParameter[] => {
    if (known !== undefined && !Object.hasOwn(known, name))
      return [{ name, kind: 'unknown', message: `${metadata.name} ${metadata.version} has no parameter "${name}".` }];
    const [given, wanted] = [JSON.stringify(value), known && JSON.stringify(known[name])];
    if (known !== undefined && typeof value !== typeof known[name])
      return [{ name, kind: 'type', message: `"${name}" is ${given}, but the manifest has ${wanted}.` }];
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    if (limit === undefined || isWithin(limit, value)) return [];
    return [{ name, kind: 'limit', message: `"${name}" is ${given}; its manifest allows ${limitInWords(limit)}.` }];
  });
}

function isWithin({ least, most, oneOf }: Limit, value: Parameters[string]): boolean {
  if (oneOf !== undefined && !oneOf.some((one) => one === value)) return false;
  if (least === undefined && most === undefined) return true;
  return typeof value === 'number' && value >= (least ?? value) && value <= (most ?? value);
}

export function limitInWords({ least, most, oneOf }: Limit): string {
  const range =
    least !== undefined && most !== undefined
      ? `${least} to ${most}`
      : least !== undefined
        ? `${least} or more`
        : most !== undefined
          ? `${most} or less`
          : undefined;
  const values = oneOf?.map((one) => JSON.stringify(one)).join(', ');
  return [values, range].filter((one) => one !== undefined).join(', within ');
}
