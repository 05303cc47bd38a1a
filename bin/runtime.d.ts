import type { ChildProcess, SpawnOptions } from 'node:child_process'

export declare const root: string
export declare const NODE_FLAGS: readonly string[]
export declare const compileCache: string
export declare function chooseNode(
  folder?: string,
  running?: Pick<NodeJS.Process, 'platform' | 'arch' | 'version' | 'execPath'>,
): { node: string; problem?: undefined } | { problem: string; node?: undefined }
export declare function runToEnd(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess
export declare function fail(sentence: string, code?: number): never
