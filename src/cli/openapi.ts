import type { Verb } from './verb.ts'

export const openapi: Verb = {
  summary: 'write openapi.json from the contracts',
  usage:
    'khien openapi\n\nWrites openapi.json from the contracts in the source; npm run ok says when it is out of date.\n',
  async run() {
    const { writeOpenapi } = await import('../app/openapi.ts')
    writeOpenapi()
    return 0
  },
}
