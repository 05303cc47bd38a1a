export type { Growth } from './cost.ts'
export { compilePattern, type Match, type Pattern } from './pattern.ts'
