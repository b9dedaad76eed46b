// Owns the k-th smallest of many numbers without sorting them all.

/**
 * The number that would stand at place `k` (from 0) if they were sorted ascending: Hoare's selection (CACM 1961, algorithm 65). Reorders
 * `values`, so that none before place `k` is larger and none behind it smaller. NaN where there is no such place.
 */
export function orderStatistic(values: Float64Array, k: number): number {
  let [from, to] = [0, values.length - 1];
  while (from < to) {
    // The middle one: rows often lie in an order, which would make the first one cost a pass for each place.
    const pivot = values[(from + to) >> 1] ?? 0;
    let [left, right] = [from, to];
    while (left <= right) {
      while ((values[left] ?? pivot) < pivot) left++;
      while ((values[right] ?? pivot) > pivot) right--;
      if (left > right) break;
      const moved = values[left] ?? 0;
      values[left++] = values[right] ?? 0;
      values[right--] = moved;
    }
    if (k <= right) to = right;
    else if (k >= left) from = left;
    else break;
  }
  return values[k] ?? Number.NaN;
}
