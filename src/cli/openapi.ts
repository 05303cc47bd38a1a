import { loadPart } from './part.ts'
import type { Verb } from './verb.ts'

export type OpenapiPart = {
  /** Writes openapi.json into the clone. */
  readonly writeOpenapi: () => void | Promise<void>
  /** The same text in memory, for `khien ok`. */
  readonly openapiText?: () => string | Promise<string>
}

export const openapi: Verb = {
  summary: 'write openapi.json from the contracts',
  usage:
    'khien openapi\n\nWrites openapi.json from the contracts in the source; npm run ok says when it is out of date.\n',
  async run(_args, io) {
    const { writeOpenapi } = await loadPart<OpenapiPart>(io.root, 'src/app/openapi.ts')
    await writeOpenapi()
    return 0
  },
}
