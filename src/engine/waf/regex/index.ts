export type { Growth } from './cost.ts'
export { literalsOf, squeezedLiteralsOf, SHELL_JUNK, type Literals } from './literals.ts'
export { compileSet, type RegexSet } from './set.ts'
export { compilePattern, type Match, type Pattern } from './pattern.ts'
