// Owns the event stream of the screen: one computation for all readers, numbered, so that a reader who comes back hears what it missed or starts anew.
import type { JsonValue } from '../contract/digest.ts';
import type { EventStream } from '../fleet-api/http/route.ts';

export type FeedEvent = 'changed' | 'step' | 'alert' | 'reset';

/** So many of the newest events are told again. */
const MOST_KEPT = 500;
const MOST_KEPT_CHARACTERS = 1_000_000;

interface Kept {
  readonly sequence: number;
  readonly frame: string;
}

/** JSON has no line breaks, so one line holds it. */
function frameOf(event: FeedEvent, sequence: number, data: JsonValue): string {
  return `id: ${sequence}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

export class EventFeed {
  readonly #readers = new Set<EventStream>();
  readonly #firstSequence: number;
  #kept: Kept[] = [];
  #keptCharacters = 0;
  #sequence: number;

  /** Numbers go on above `firstSequence`: the time of the start, so that a number of an earlier process is never one of this. */
  constructor(firstSequence: number) {
    this.#firstSequence = firstSequence;
    this.#sequence = firstSequence;
  }

  /** Number of the newest event. */
  get sequence(): number {
    return this.#sequence;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Tells every reader; gives the event's number, which is in its data as well. */
  publish(event: Exclude<FeedEvent, 'reset'>, data: Readonly<Record<string, JsonValue>>): number {
    this.#sequence += 1;
    const frame = frameOf(event, this.#sequence, { sequence: this.#sequence, ...data });
    this.#keep({ sequence: this.#sequence, frame });
    for (const reader of this.#readers) reader.send(frame);
    return this.#sequence;
  }

  /** From now on the reader hears of everything; `after` is the last number that it heard, null where it comes for the first time. */
  add(reader: EventStream, after: number | null): void {
    if (reader.ended.aborted) return;
    const missed = after === null ? [] : this.#since(after);
    if (missed === null) reader.send(frameOf('reset', this.#sequence, { sequence: this.#sequence }));
    else for (const { frame } of missed) reader.send(frame);
    this.#readers.add(reader);
    reader.ended.addEventListener('abort', () => this.#readers.delete(reader), { once: true });
  }

  /** What came after; null where that is not known any more, or was told by another process. */
  #since(after: number): readonly Kept[] | null {
    if (after === this.#sequence) return [];
    const oldest = this.#kept[0]?.sequence ?? this.#sequence + 1;
    if (after < this.#firstSequence || after > this.#sequence || after < oldest - 1) return null;
    return this.#kept.filter(({ sequence }) => sequence > after);
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept);
    this.#keptCharacters += kept.frame.length;
    while (this.#kept.length > MOST_KEPT || this.#keptCharacters > MOST_KEPT_CHARACTERS) {
      this.#keptCharacters -= this.#kept.shift()?.frame.length ?? 0;
    }
  }
}
