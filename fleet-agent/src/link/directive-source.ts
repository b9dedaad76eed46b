// Owns the interface of a source of directives: TUF in production, anything else in a rehearsal.
import type { Directive } from '../../../src/contract/directive.ts';

export interface DirectiveSource {
  /** Asks for the newest directive. Never throws for what networks and attackers do. */
  refresh(signal: AbortSignal): Promise<DirectiveAnswer>;
  /** The last one accepted here, from disk; undefined when there was none. */
  lastAccepted(): Directive | undefined;
  /** Names the keys under which it was accepted; revisions are compared within one set of keys only. */
  lastSigners?(): string | undefined;
  /** The pointer (`timestamp.json`) that led to it; undefined before the first. */
  lastPointer?(): string | undefined;
  /** Takes the trust policy that belongs with it. Throws why it can't: the one before stays in force. */
  followTrust?(signal: AbortSignal): Promise<void>;
  /** What reports say of the publication. */
  readonly properties?: Readonly<Record<string, number>>;
  /** End of the signed dates that were found in date in this process, milliseconds since 1970; null before that. */
  inDateUntilMs?(): number | null;
}

export type DirectiveAnswer =
  | { readonly kind: 'directive'; readonly directive: Directive }
  | { readonly kind: 'unchanged' }
  /** It arrived and can't be trusted. */
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string }
  /** `retryAfterMs`: what the host asked for. */
  | { readonly kind: 'unreachable'; readonly reason: string; readonly retryAfterMs?: number };
