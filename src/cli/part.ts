import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StartError } from '../kit/errors.ts'

/** A part that a copy of Khiên may lack (an npm package has no examples): loaded when asked for, missed in one sentence. */
export async function loadPart<T>(root: string, path: string): Promise<T> {
  const file = join(root, path)
  if (!existsSync(file)) throw new StartError('missing-part', `This copy of Khiên has no ${path}.`)
  return (await import(pathToFileURL(file).href)) as T
}
