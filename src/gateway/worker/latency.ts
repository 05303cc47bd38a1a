/** The last 1,024 durations, µs. */
export class Latency {
  private readonly kept = new Float64Array(1024)
  private count = 0

  add(us: number): void {
    this.kept[this.count++ % this.kept.length] = us
  }

  /** Share 0–1 → duration; null before the first. */
  quantiles(...shares: readonly number[]): (number | null)[] {
    const sorted = this.kept.slice(0, Math.min(this.count, this.kept.length)).sort()
    return shares.map((share) =>
      sorted.length === 0 ? null : Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!),
    )
  }
}
