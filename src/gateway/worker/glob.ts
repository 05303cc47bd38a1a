/**
 * `/api/*` → does a path fit? `*` stands for any signs but a slash, `**` for any at all (`/api/**` also takes `/api`).
 * Greedy with one step back: linear in path times stars, so that no pattern of an operator's can hold the loop.
 */
export function compileGlob(pattern: string): (path: string) => boolean {
  const open = pattern.endsWith('/**') ? pattern.slice(0, -3) : undefined
  if (open !== undefined && !open.includes('*')) return (path) => path === open || path.startsWith(`${open}/`)
  if (!pattern.includes('*')) return (path) => path === pattern
  const parts = pattern.split(/(\*\*|\*)/).filter((part) => part !== '')
  return (path) => fits(parts, path) || (open !== undefined && fits(parts.slice(0, -1), `${path}/`))
}

/** Each place of the path that the parts so far can end at; at most length + 1 of them. */
function fits(parts: readonly string[], path: string): boolean {
  let ends: Set<number> = new Set([0])
  for (const part of parts) {
    const next = new Set<number>()
    if (part === '*' || part === '**') {
      for (const start of ends)
        for (let at = start; at <= path.length && !next.has(at); at++) {
          next.add(at)
          if (part === '*' && path[at] === '/') break
        }
    } else for (const at of ends) if (path.startsWith(part, at)) next.add(at + part.length)
    if (next.size === 0) return false
    ends = next
  }
  return ends.has(path.length)
}
