/** Buckets that are not empty, as one value for each of `count` from `start` on. */
export function seriesOf(
  buckets: readonly { readonly at: string; readonly count: number }[],
  start: number,
  step: number,
  count: number,
): number[] {
  const values = Array<number>(count).fill(0)
  for (const bucket of buckets) {
    const i = Math.floor((Date.parse(bucket.at) - start) / step)
    if (i >= 0 && i < count) values[i]! += bucket.count
  }
  return values
}
