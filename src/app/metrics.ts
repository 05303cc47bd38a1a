/** Counters and gauges in the text exposition format. Labels are ids of ours only: routes, codes, roles. */
export function metrics() {
  const counters = new Map<string, number>()
  const times = new Map<string, { count: number; sum: number }>()
  const gauges: { name: string; help: string; read: () => number | Promise<number> }[] = []

  return {
    request(route: string, status: number, ms: number): void {
      const key = `khien_http_requests_total{route="${route}",status="${status}"}`
      counters.set(key, (counters.get(key) ?? 0) + 1)
      const time = times.get(route) ?? { count: 0, sum: 0 }
      times.set(route, { count: time.count + 1, sum: time.sum + ms / 1000 })
    },
    gauge(name: string, help: string, read: () => number | Promise<number>): void {
      gauges.push({ name, help, read })
    },
    async text(): Promise<string> {
      const lines = [
        '# TYPE khien_http_requests_total counter',
        ...[...counters].map(([key, value]) => `${key} ${value}`),
      ]
      lines.push('# TYPE khien_http_seconds summary')
      for (const [route, { count, sum }] of times) {
        lines.push(
          `khien_http_seconds_count{route="${route}"} ${count}`,
          `khien_http_seconds_sum{route="${route}"} ${sum.toFixed(6)}`,
        )
      }
      for (const { name, help, read } of gauges) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${await read()}`)
      }
      return `${lines.join('\n')}\n`
    },
  }
}
export type Metrics = ReturnType<typeof metrics>
