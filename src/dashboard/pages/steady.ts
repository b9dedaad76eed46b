// Owns lists that stay in order while somebody points at them or is in them: what is read must not move away.
import { useRef, useState } from 'preact/hooks';

export interface Steady<Row> {
  readonly rows: readonly Row[];
  /** Rows that would stand elsewhere. */
  readonly moved: number;
  /** Takes the new order now. */
  readonly show: () => void;
  /** Handlers of the element around the list. */
  readonly hold: Readonly<Record<string, () => void>>;
}

/** `rows` in the order in which they were shown, for as long as the list is held; new rows come last. */
export function useSteady<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Steady<Row> {
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  const [, setShown] = useState(0);
  const order = useRef<readonly string[]>([]);
  const keys = rows.map(keyOf);
  const isHeld = (pointed || focused) && order.current.length > 0;
  if (!isHeld) order.current = keys;
  const places = new Map(order.current.map((key, i) => [key, i]));
  const placeOf = (row: Row): number => places.get(keyOf(row)) ?? Number.POSITIVE_INFINITY;
  const held = isHeld ? rows.toSorted((a, b) => (placeOf(a) === placeOf(b) ? 0 : placeOf(a) - placeOf(b))) : rows;
  return {
    rows: held,
    moved: held.filter((row, i) => keyOf(row) !== keys[i]).length,
    show: () => {
      order.current = keys;
      setShown((times) => times + 1);
    },
    hold: {
      onPointerEnter: () => setPointed(true),
      onPointerLeave: () => setPointed(false),
      onFocusIn: () => setFocused(true),
      onFocusOut: () => setFocused(false),
    },
  };
}
