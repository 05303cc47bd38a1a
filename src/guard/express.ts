// Express calls a middleware as node:http's guard wants to be called; of its own it adds `originalUrl`, which the guard reads.
export { guard, GuardError, loadRules, ownRules } from './node.ts'
export type { Counts, Guard, GuardOptions, LoadOptions, Refusal } from './node.ts'
