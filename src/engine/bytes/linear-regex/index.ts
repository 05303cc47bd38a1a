export { RegexError } from './error.ts'
export type { RegexFlags } from './parse.ts'
export { compileRegex } from './run.ts'
