// Owns errors inside a short text (selector, rule, duration): where in it they are, for callers that know where the text stands.
import { CodedError, type CodedErrorFacts } from '../../base/errors.ts';

/** A CodedError with the column (from 1) inside the text that was parsed; `withPlace` turns it into a place in a file. */
export class TextError extends CodedError {
  readonly column: number;

  constructor(facts: CodedErrorFacts & { readonly column: number }) {
    super(facts);
    this.column = facts.column;
  }
}
