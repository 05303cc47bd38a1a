import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { KhienError } from '../kit/errors.ts'

const ids = z.array(z.number()).optional()
const outputSchema = z.looseObject({
  status: z.number().optional(),
  expect_error: z.boolean().optional(),
  log: z
    .looseObject({
      expect_ids: ids,
      no_expect_ids: ids,
      match_regex: z.string().optional(),
      no_match_regex: z.string().optional(),
    })
    .optional(),
})
const inputSchema = z.looseObject({
  method: z.string().default('GET'),
  uri: z.string().default('/'),
  version: z.string().default('HTTP/1.1'),
  headers: z.record(z.string(), z.coerce.string()).default({}),
  data: z.string().nullish(),
  encoded_request: z.string().optional(),
  autocomplete_headers: z.boolean().default(true),
})
const suiteSchema = z.looseObject({
  rule_id: z.number(),
  tests: z.array(
    z.looseObject({
      test_id: z.number(),
      stages: z.array(z.looseObject({ input: inputSchema, output: outputSchema })),
    }),
  ),
})
const overridesSchema = z.looseObject({
  test_overrides: z.array(
    z.looseObject({
      rule_id: z.number(),
      test_ids: z.array(z.number()),
      reason: z.string().optional(),
      output: outputSchema.optional(),
    }),
  ),
})

export type Expected = z.infer<typeof outputSchema>
export type Stage = { readonly name: string; readonly raw: Buffer; readonly expected: Expected }

/** go-ftw's regression files of a folder and below → stages in name order, with the overrides' expectations put in place. */
export function readSuite(folder: string, overrides?: string): { stages: Stage[]; overridden: number } {
  const replaced = overrides === undefined ? new Map<string, Expected | undefined>() : readOverrides(overrides)
  const stages: Stage[] = []
  let overridden = 0
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.ya?ml$/.test(name))
  for (const name of names.sort()) {
    const document: unknown = parse(readFileSync(join(folder, name), 'utf8'), { logLevel: 'silent' })
    // A file of comments alone.
    if (document === null) continue
    const { rule_id, tests } = accept(suiteSchema, document, name)
    for (const test of tests) {
      const id = `${rule_id}-${test.test_id}`
      if (replaced.has(id)) overridden++
      for (const [index, { input, output }] of test.stages.entries())
        stages.push({
          name: test.stages.length > 1 ? `${id}/${index + 1}` : id,
          raw: requestOf(input),
          expected: replaced.get(id) ?? output,
        })
    }
  }
  return { stages, overridden }
}

function accept<T>(schema: z.ZodType<T>, document: unknown, name: string): T {
  const read = schema.safeParse(document)
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new KhienError('waf/suite', `${basename(name)}: ${issue?.path.join('.')}: ${issue?.message}`)
}

function readOverrides(path: string): Map<string, Expected | undefined> {
  const { test_overrides } = accept(overridesSchema, parse(readFileSync(path, 'utf8')), path)
  return new Map(
    test_overrides.flatMap(({ rule_id, test_ids, output }) =>
      test_ids.map((id) => [`${rule_id}-${id}`, output] as const),
    ),
  )
}

/** The bytes go-ftw would send: headers as listed, Content-Type, Content-Length and Connection added where they are missing. */
function requestOf({
  method,
  uri,
  version,
  headers,
  data,
  encoded_request,
  autocomplete_headers,
}: z.infer<typeof inputSchema>): Buffer {
  if (encoded_request !== undefined) return Buffer.from(encoded_request, 'base64')
  const body = Buffer.from(data ?? '', 'utf8')
  const lines = Object.entries(headers)
  const has = (name: string): boolean => lines.some(([other]) => other.toLowerCase() === name)
  if (autocomplete_headers) {
    if (body.length > 0 && !has('content-type')) lines.push(['Content-Type', 'application/x-www-form-urlencoded'])
    const mayHold = body.length > 0 || ['POST', 'PUT', 'PATCH'].includes(method)
    if (mayHold && !has('content-length') && !has('transfer-encoding'))
      lines.push(['Content-Length', String(body.length)])
    if (!has('connection')) lines.push(['Connection', 'close'])
  }
  const head = [
    `${method} ${uri}${version === '' ? '' : ` ${version}`}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'utf8'), body])
}

/** What came of a stage: the answer's status (0 when there was none), the rules that logged, and their log lines. */
export type Outcome = { readonly status: number; readonly ids: readonly number[]; readonly log: string }

/** Undefined when it is as expected, else what is not. */
export function faultOf(expected: Expected, { status, ids, log }: Outcome): string | undefined {
  if (expected.expect_error === true && status === 0) return undefined
  if (expected.status !== undefined && expected.status !== status)
    return `status ${status}, expected ${expected.status}`
  const missing = expected.log?.expect_ids?.filter((id) => !ids.includes(id)) ?? []
  if (missing.length > 0) return `rules ${missing.join()} did not match${status >= 400 ? ` (status ${status})` : ''}`
  const wrong = expected.log?.no_expect_ids?.filter((id) => ids.includes(id)) ?? []
  if (wrong.length > 0) return `rules ${wrong.join()} matched`
  const { match_regex, no_match_regex } = expected.log ?? {}
  if (match_regex !== undefined && !new RegExp(match_regex, 's').test(log)) return `the log has no ${match_regex}`
  if (no_match_regex !== undefined && new RegExp(no_match_regex, 's').test(log)) return `the log has ${no_match_regex}`
  return undefined
}
