const PREFIX = 'khien.'

/** What this person chose in this browser: looks and columns, never data. Absent or unreadable is undefined. */
export function kept<T>(name: string): T | undefined {
  try {
    const text = localStorage.getItem(PREFIX + name)
    return text === null ? undefined : (JSON.parse(text) as T)
  } catch {
    return undefined
  }
}

export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value))
  } catch {
    // A browser that keeps nothing still works; the choice lasts as long as the page.
  }
}
