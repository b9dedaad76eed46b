// Owns how the providers of outside signals stand with all rules that ask them now.
import type { SignalRule, SignalSilence } from '../gates/signal-track.ts';
import type { SignalProvider } from '../signals/signal-provider.ts';

/** How a provider stands with all that ask it now. */
export interface ProviderStanding {
  readonly name: string;
  readonly kind: string;
  /** Does a rule of a present stage ask it? */
  readonly isAsked: boolean;
  /** Since when it gives a rule nothing that can be used, the longest of them; null while it answers all. */
  readonly silence: { readonly why: SignalSilence; readonly sinceMs: number } | null;
}

/** What is known of one rule. */
interface AskingRule {
  readonly rule: SignalRule;
  readonly provider: SignalProvider | undefined;
  /** Is it asked at present? */
  readonly isReady: boolean;
  readonly silence: ProviderStanding['silence'];
}

/** Those of the service first, then those that rules name and the service does not have. */
export function providerStanding(
  providers: readonly SignalProvider[],
  asking: readonly AskingRule[],
): ProviderStanding[] {
  const standing = new Map<string, ProviderStanding>();
  for (const { kind, name } of providers)
    standing.set(`${kind} ${name}`, { name, kind, isAsked: false, silence: null });
  for (const { rule, provider, isReady, silence: last } of asking) {
    const { kind, provider: name } = rule.from;
    // What it said before a pause says nothing about now.
    const silence = isReady || provider === undefined ? last : null;
    const key = `${kind} ${name}`;
    const known = standing.get(key) ?? { name, kind, isAsked: false, silence: null };
    const isLonger = silence !== null && silence.sinceMs < (known.silence?.sinceMs ?? Number.POSITIVE_INFINITY);
    const isAsked = known.isAsked || isReady;
    standing.set(key, { ...known, isAsked, silence: isLonger ? silence : known.silence });
  }
  return [...standing.values()];
}
