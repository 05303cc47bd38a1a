/** Keeps what was made of a key, so that it is made once; the `most` used last. What is made must not change. */
export function memory<T>(most: number): (key: string, make: () => T) => T {
  const kept = new Map<string, T>()
  return (key, make) => {
    const known = kept.get(key)
    const value = known ?? make()
    // The order of a Map is that of insertion: what is asked for again goes to the end.
    if (known !== undefined) kept.delete(key)
    else if (kept.size >= most) for (const oldest of kept.keys()) if (kept.delete(oldest)) break
    kept.set(key, value)
    return value
  }
}
