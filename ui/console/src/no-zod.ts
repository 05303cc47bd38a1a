/** Stands in for zod in the browser: a schema that says nothing, whatever is asked of it. */
const nothing: unknown = new Proxy(function schema() {}, {
  get: (_, name) => (name === Symbol.iterator ? [][Symbol.iterator].bind([]) : name === 'prototype' ? {} : nothing),
  apply: () => nothing,
})
export const z = nothing
export const randomBytes = nothing
