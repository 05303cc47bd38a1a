import { Ajv2020 } from 'ajv/dist/2020.js'
import { StartError } from '../../kit/errors.ts'
import { linearPattern } from './linear-pattern.ts'

export type FitsSchema = (value: unknown) => boolean

/**
 * JSON Schema (draft 2020-12) → check. `pattern` runs on the project's linear expressions; `format` is no more than a note, as the draft
 * has it by default. Throws `StartError` for a schema that is none, or that points outside itself.
 */
export function compileSchema(schema: Readonly<Record<string, unknown>>): FitsSchema {
  try {
    const ajv = new Ajv2020({ strict: false, allErrors: false, logger: false, code: { regExp: linearPattern } })
    return ajv.compile(schema)
  } catch (error) {
    throw new StartError(
      'gateway/schema',
      `A JSON schema is not usable: ${error instanceof Error ? error.message : ''}`,
      {
        field: 'schema',
        cause: error,
      },
    )
  }
}
